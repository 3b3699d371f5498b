// The kernel of Stein variational gradient descent for every pair of a fixed particle x_j and an updated one y_i, and
// its gradient with respect to the fixed one:
//
//   kappa = exp(-|x_j - y_i|^2 / h),   d kappa / d x_j = -2 (x_j - y_i) / h kappa
// No gradient goes through the bandwidth h.
// actions [agents, batch, fixed + updated, dims]; bandwidths [agents, batch]; kappas [agents, batch, fixed, updated];
// slopes [agents, batch, fixed, updated, dims].
// Grid: one invocation per pair, x = batch * fixed * updated / 64, z = agent. Determinism: the sum over dimensions in
// ascending order.

struct Params {
    batch: u32,
    fixed: u32,
    updated: u32,
    dims: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> actions: array<f32>;
@group(0) @binding(2) var<storage, read> bandwidths: array<f32>;
@group(0) @binding(3) var<storage, read_write> kappas: array<f32>;
@group(0) @binding(4) var<storage, read_write> slopes: array<f32>;

// import: math
// import: particles

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    let pairs = p.fixed * p.updated;
    if (id.x >= p.batch * pairs) {
        return;
    }
    let at = agent * p.batch * pairs + id.x;
    let row = at / pairs;
    let pair = at % pairs;
    let h = bandwidths[row];
    let kappa = exp_f32(-squared_distance(row, pair) / h);
    kappas[at] = kappa;
    let x = fixed_at(row, pair / p.updated);
    let y = updated_at(row, pair % p.updated);
    for (var d = 0u; d < p.dims; d++) {
        slopes[at * p.dims + d] = -2.0 * (actions[x + d] - actions[y + d]) / h * kappa;
    }
}
