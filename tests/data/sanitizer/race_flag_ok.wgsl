// Several invocations set one flag, atomically.
// groups: 2,1,1
// buffer: data = 128
// fill: index

@group(0) @binding(0) var<storage, read> data: array<u32>;
@group(0) @binding(1) var<storage, read_write> found: atomic<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if (data[id.x] % 50u == 7u) {
        atomicStore(&found, 1u);
    }
}
