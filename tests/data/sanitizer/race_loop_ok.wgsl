// A second barrier keeps the next round from overwriting a tile that others still read.
// groups: 1,1,1
// buffer: data = 256
// buffer: output = 64
// fill: index

@group(0) @binding(0) var<storage, read> data: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

var<workgroup> tile: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    var sum = 0.0;
    for (var round = 0u; round < 4u; round++) {
        tile[local] = data[round * 64u + local];
        workgroupBarrier();
        sum += tile[63u - local];
        workgroupBarrier();
    }
    output[local] = sum;
}
