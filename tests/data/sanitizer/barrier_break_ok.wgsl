// Invocations leave the loop together.
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    var rest = data[local];
    var round = 0u;
    loop {
        if (round == 7u) {
            break;
        }
        workgroupBarrier();
        rest /= 2u;
        round++;
    }
    data[local] = round;
}
