// Bandwidth of the kernel of Stein variational gradient descent by the median of the squared distances, for every state
// on its own:
//
//   median = the (n / 2 + 1)-th largest of the n = fixed * updated squared distances
//   h      = max(median / ln fixed, least)
// Of an even number that is the lower of the two in the middle, without averaging; equal particles count with 0. With
// one fixed particle ln 2 takes the place of ln 1. After `kernel.py` of softqlearning (Haarnoja et al. 2017).
// actions [agents, batch, fixed + updated, dims]; medians, bandwidths [agents, batch].
// Grid: one workgroup of 256 per state (x) and agent (z). Determinism: the median is one of the distances, found by
// counting those that are larger or equal; no sum but over dimensions, in ascending order.

struct Params {
    batch: u32,
    fixed: u32,
    updated: u32,
    dims: u32,
    least: f32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> actions: array<f32>;
@group(0) @binding(2) var<storage, read_write> medians: array<f32>;
@group(0) @binding(3) var<storage, read_write> bandwidths: array<f32>;

// import: math
// import: particles

// Distances by their bits, which order numbers that are not negative, plus one: 0 is below all, and fills up.
var<workgroup> order: array<u32, 4096>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let row = group.z * p.batch + group.x;
    let pairs = p.fixed * p.updated;
    let filled = (pairs + 3u) / 4u * 4u;
    for (var pair = local; pair < filled; pair += 256u) {
        var place = 0u;
        if (pair < pairs) {
            place = bitcast<u32>(squared_distance(row, pair)) + 1u;
        }
        order[pair] = place;
    }
    workgroupBarrier();
    let rank = pairs / 2u + 1u;
    for (var pair = local; pair < pairs; pair += 256u) {
        let own = order[pair];
        var larger = 0u;
        var equal = 0u;
        for (var other = 0u; other < filled; other += 4u) {
            let four = vec4u(order[other], order[other + 1u], order[other + 2u], order[other + 3u]);
            let above = select(vec4u(0u), vec4u(1u), four > vec4u(own));
            let same = select(vec4u(0u), vec4u(1u), four == vec4u(own));
            larger += above.x + above.y + above.z + above.w;
            equal += same.x + same.y + same.z + same.w;
        }
        // Equal distances write the same.
        if (larger < rank && rank <= larger + equal) {
            let median = bitcast<f32>(own - 1u);
            medians[row] = median;
            bandwidths[row] = max(median / log_f32(f32(max(p.fixed, 2u))), p.least);
        }
    }
}
