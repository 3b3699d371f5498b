// Invocations leave the loop before its barrier as soon as their own number is used up.
// finds: divergent_barrier
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    var rest = data[local];
    var round = 0u;
    loop {
        if (rest == 0u) {
            break;
        }
        workgroupBarrier(); // HERE
        rest /= 2u;
        round++;
    }
    data[local] = round;
}
