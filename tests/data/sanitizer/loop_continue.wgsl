// `continue` skips the increment.
// finds: loop_cap
// groups: 1,1,1
// buffer: data = 8
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(1)
fn main() {
    var sum = 0u;
    var i = 0u;
    loop { // HERE
        if (i == 8u) {
            break;
        }
        if (data[i] == 3u) {
            continue;
        }
        sum += data[i];
        i++;
    }
    data[0] = sum;
}
