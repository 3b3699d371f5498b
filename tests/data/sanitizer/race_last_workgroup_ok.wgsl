// The last workgroup sums what all have written, atomically.
// groups: 4,1,1
// buffer: partial = 4
// fill: zero

@group(0) @binding(0) var<storage, read_write> partial: array<atomic<u32>>;
@group(0) @binding(1) var<storage, read_write> arrived: atomic<u32>;
@group(0) @binding(2) var<storage, read_write> total: u32;

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
    atomicStore(&partial[group.x], group.x + 1u);
    if (atomicAdd(&arrived, 1u) == groups.x - 1u) {
        var sum = 0u;
        for (var i = 0u; i < groups.x; i++) {
            sum += atomicLoad(&partial[i]);
        }
        total = sum;
    }
}
