// A number squared through a pointer, a few times.
// groups: 1,1,1
// fill: zero

@group(0) @binding(0) var<storage, read_write> result: f32;

fn square(x: ptr<function, f32>) {
    *x = *x * *x;
}

@compute @workgroup_size(1)
fn main() {
    var x = 2.0 + result;
    for (var i = 0u; i < 6u; i++) {
        square(&x);
    }
    result = x;
}
