// A dispatch that does next to nothing: it counts itself, so that one that was left out shows.
//
// y [1].
// Grid: one workgroup of one invocation.
// Determinism: one invocation; dispatches of a pass follow each other.

struct Params {
    count: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(1)
fn main() {
    y[0] += p.count;
}
