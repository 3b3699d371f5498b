// exp, log, sin, cos and tanh from +, -, *, / and bit operations alone.
//
// WGSL allows its builtins errors that would break environment conformance (sin, cos: 2^-11 absolute, only on [-pi,
// pi]) and equality with the CPU twins. These follow the Cephes single-precision polynomials and round the same way on
// every device whose +, -, *, / are correctly rounded. WGSL also allows reassociation, and Mesa makes use of it: `(a *
// b + c) + 1` and `a * b + c * b` come out in another order. Plain Horner steps `p * x + c` leave it nothing to move.
// src/shared/math.rs is the twin; keep the two alike.

// e^x; 0 below -87, e^88 above 88.
fn exp_f32(x: f32) -> f32 {
    if (x < -87.0) {
        return 0.0;
    }
    let clamped = min(x, 88.0);
    let k = floor(clamped * 1.44269504 + 0.5);
    let r = (clamped - k * 0.693359375) + k * 2.12194440e-4;
    var poly = 1.9875691500e-4;
    poly = poly * r + 1.3981999507e-3;
    poly = poly * r + 8.3334519073e-3;
    poly = poly * r + 4.1665795894e-2;
    poly = poly * r + 1.6666665459e-1;
    poly = poly * r + 5.0000001201e-1;
    poly = poly * r + 1.0;
    poly = poly * r + 1.0;
    return poly * bitcast<f32>(u32(i32(k) + 127) << 23u);
}

// ln x for normal x > 0; smaller arguments count as the smallest normal number.
fn log_f32(x: f32) -> f32 {
    let bits = bitcast<u32>(max(x, 1.17549435e-38));
    // Mantissa in [sqrt(1/2), sqrt(2)), so that the polynomial's argument is small.
    let shifted = bits - 0x3f3504f3u;
    let k = f32(bitcast<i32>(shifted) >> 23u);
    let f = bitcast<f32>((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0;
    let z = f * f;
    var poly = 7.0376836292e-2;
    poly = poly * f - 1.1514610310e-1;
    poly = poly * f + 1.1676998740e-1;
    poly = poly * f - 1.2420140846e-1;
    poly = poly * f + 1.4249322787e-1;
    poly = poly * f - 1.6668057665e-1;
    poly = poly * f + 2.0000714765e-1;
    poly = poly * f - 2.4999993993e-1;
    poly = poly * f + 3.3333331174e-1;
    let tail = (f * z) * poly + k * -2.12194440e-4;
    return ((tail - 0.5 * z) + f) + k * 0.693359375;
}

// e^x - 1 without the cancellation near 0.
fn expm1_f32(x: f32) -> f32 {
    if (abs(x) > 0.35) {
        return exp_f32(x) - 1.0;
    }
    var poly = 1.98412698e-4;
    poly = poly * x + 1.38888889e-3;
    poly = poly * x + 8.33333333e-3;
    poly = poly * x + 4.16666667e-2;
    poly = poly * x + 1.66666667e-1;
    poly = poly * x + 5.0e-1;
    return (poly * (x * x)) + x;
}

fn tanh_f32(x: f32) -> f32 {
    let e = expm1_f32(clamp(2.0 * x, -40.0, 40.0));
    return e / (e + 2.0);
}

// (sin x, cos x) for |x| < 8192, by reduction to [-pi/4, pi/4] in three exact steps.
fn sincos_f32(x: f32) -> vec2f {
    let k = floor(x * 0.636619772 + 0.5);
    let r = ((x - k * 1.5703125) - k * 4.837512969970703125e-4) - k * 7.54978995489188216e-8;
    let z = r * r;
    let sine = ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1) * z * r + r;
    let cosine =
        (((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2) * z - 0.5) * z + 1.0;
    // 1.5 * 2^23 brings the quarter turns, whole numbers, to the low end of the mantissa: conversions cost more.
    let quadrant = bitcast<u32>(k + 12582912.0);
    let swapped = (quadrant & 1u) == 1u;
    let s = bitcast<u32>(select(sine, cosine, swapped)) ^ ((quadrant & 2u) << 30u);
    let c = bitcast<u32>(select(cosine, sine, swapped)) ^ (((quadrant + 1u) & 2u) << 30u);
    return vec2f(bitcast<f32>(s), bitcast<f32>(c));
}

fn is_finite_f32(x: f32) -> bool {
    // Comparisons may be folded away by compilers that assume NaN does not occur; bits are not.
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}
