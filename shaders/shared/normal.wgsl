// Standard normal numbers by the inverse of their distribution: one word each, so that a recorded number z can be
// replayed as the word floor(Phi(z) * 2^32). src/shared/normal.rs is the twin.

// Phi^-1((word + 1/2) / 2^32). M. Giles, "Approximating the erfinv function", GPU Computing Gems 2 (2010), single
// precision.
fn rng_normal(rng: ptr<function, Rng>) -> f32 {
    let word = rng_u32(rng);
    // Both halves of the words count from the outside, so that far numbers keep their digits.
    let negative = word < 0x80000000u;
    let count = 2u * select(~word, word, negative) + 1u;
    // tail = count / 2^33 from the leading 24 bits, all steps exact.
    let zeros = countLeadingZeros(count);
    let tail = f32((count << zeros) >> 8u) * bitcast<f32>((102u - zeros) << 23u);
    var w = -log_f32(4.0 * tail * (1.0 - tail));
    var poly = 0.0;
    if (w < 5.0) {
        w -= 2.5;
        poly = 2.81022636e-8;
        poly = poly * w + 3.43273939e-7;
        poly = poly * w - 3.5233877e-6;
        poly = poly * w - 4.39150654e-6;
        poly = poly * w + 2.1858087e-4;
        poly = poly * w - 1.25372503e-3;
        poly = poly * w - 4.17768164e-3;
        poly = poly * w + 2.46640727e-1;
        poly = poly * w + 1.50140941;
    } else {
        // The square root, which WGSL does not promise to round alike everywhere.
        w = exp_f32(0.5 * log_f32(w)) - 3.0;
        poly = -2.00214257e-4;
        poly = poly * w + 1.00950558e-4;
        poly = poly * w + 1.34934322e-3;
        poly = poly * w - 3.67342844e-3;
        poly = poly * w + 5.73950773e-3;
        poly = poly * w - 7.6224613e-3;
        poly = poly * w + 9.43887047e-3;
        poly = poly * w + 1.00167406;
        poly = poly * w + 2.83297682;
    }
    let size = poly * (1.0 - 2.0 * tail) * 1.41421356;
    return select(size, -size, negative);
}
