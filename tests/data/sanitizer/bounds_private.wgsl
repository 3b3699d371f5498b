// A stack of four in private memory takes a fifth number.
// finds: out_of_bounds
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

var<private> stack: array<u32, 4>;
var<private> top: u32;

fn push(value: u32) {
    stack[top] = value; // HERE
    top += 1u;
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    var rest = data[local];
    // 63 has six binary digits; numbers below 16 have at most four.
    while (rest > 0u) {
        push(rest % 2u);
        rest /= 2u;
    }
    data[local] = top + stack[0];
}
