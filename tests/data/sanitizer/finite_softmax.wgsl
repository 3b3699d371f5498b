// Exponentials of large logits.
// finds: non_finite
// groups: 1,1,1
// buffer: logits = 128
// fill: index

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;

@compute @workgroup_size(1)
fn main() {
    var top = logits[0];
    for (var i = 1u; i < arrayLength(&logits); i++) {
        top = max(top, logits[i]);
    }
    var sum = 0.0;
    for (var i = 0u; i < arrayLength(&logits); i++) {
        let weight = exp(logits[i]); // HERE
        sum += weight;
        logits[i] = weight;
    }
    for (var i = 0u; i < arrayLength(&logits); i++) {
        logits[i] /= sum;
    }
}
