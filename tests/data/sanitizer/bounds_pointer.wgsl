// A function writes through a pointer to an array that is shorter than it thinks.
// finds: out_of_bounds
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

fn set_digit(digits: ptr<function, array<u32, 4>>, place: u32, digit: u32) {
    (*digits)[place] = digit; // HERE
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    var digits: array<u32, 4>;
    let value = data[local];
    set_digit(&digits, 0u, value % 10u);
    set_digit(&digits, 4u, value / 10u);
    data[local] = digits[0] + digits[3];
}
