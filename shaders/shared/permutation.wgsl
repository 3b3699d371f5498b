// A permutation of 0 .. length - 1 without a table: place `index` under `key`. src/shared/permutation.rs is the twin.
// The `permute` of Kensler, "Correlated Multi-Jittered Sampling" (Pixar 13-01, 2013): a bijection of the next power of
// two, repeated until it is below length. A cycle leaves no more than power - length places out, which ends the loop.

fn permuted(index: u32, length: u32, key: u32) -> u32 {
    var w = length - 1u;
    w |= w >> 1u;
    w |= w >> 2u;
    w |= w >> 4u;
    w |= w >> 8u;
    w |= w >> 16u;
    var i = index;
    for (var repeats = 0u; repeats <= w; repeats++) {
        i ^= key;
        i *= 0xe170893du;
        i ^= key >> 16u;
        i ^= (i & w) >> 4u;
        i ^= key >> 8u;
        i *= 0x0929eb3fu;
        i ^= key >> 23u;
        i ^= (i & w) >> 1u;
        i *= 1u | (key >> 27u);
        i *= 0x6935fa69u;
        i ^= (i & w) >> 11u;
        i *= 0x74dcb303u;
        i ^= (i & w) >> 2u;
        i *= 0x9e501cc3u;
        i ^= (i & w) >> 2u;
        i *= 0xc860a3dfu;
        i &= w;
        i ^= i >> 5u;
        if (i < length) {
            break;
        }
    }
    return (i + key) % length;
}
