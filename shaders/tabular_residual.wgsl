// What a sweep of the exact solver did, in the sup norm, and whether it was the last.
//
//   residual = max |change|, drop = max(0, max -change), largest = max |Q|
//   converged when residual <= tolerance max(1, largest)
// solvers [agents]: sweeps and converged; changes, q [agents, count]; history [agents, block]: the sweep with number n
// (from 0) at n modulo block. Solutions that have converged stay as they are.
// Grid: one workgroup of 256 per agent (z). Determinism: maxima do not depend on their order; thread t takes elements
// t, t + 256, ..., then a fixed tree.

struct Params {
    count: u32,
    block: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read_write> solvers: array<Solver>;
@group(0) @binding(2) var<storage, read> changes: array<f32>;
@group(0) @binding(3) var<storage, read> q: array<f32>;
@group(0) @binding(4) var<storage, read_write> history: array<Sweep>;

// import: tabular

var<workgroup> partial: array<Sweep, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let agent = group.z;
    var sweep = Sweep(0.0, 0.0, 0.0);
    for (var i = local; i < p.count; i += 256u) {
        let change = changes[agent * p.count + i];
        sweep.residual = max(sweep.residual, abs(change));
        sweep.drop = max(sweep.drop, -change);
        sweep.largest = max(sweep.largest, abs(q[agent * p.count + i]));
    }
    partial[local] = sweep;
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (local < half) {
            let other = partial[local + half];
            partial[local].residual = max(partial[local].residual, other.residual);
            partial[local].drop = max(partial[local].drop, other.drop);
            partial[local].largest = max(partial[local].largest, other.largest);
        }
    }
    if (local != 0u || solvers[agent].converged != 0u) {
        return;
    }
    let total = partial[0];
    let done = solvers[agent].sweeps;
    history[agent * p.block + done % p.block] = total;
    solvers[agent].sweeps = done + 1u;
    if (total.residual <= solvers[agent].tolerance * max(1.0, total.largest)) {
        solvers[agent].converged = done + 1u;
    }
}
