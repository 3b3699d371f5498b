// Exchanges the temperature in an agent's record with that of a later head of its actions, so that a kernel which knows
// one temperature serves each head: exchange, use, exchange back. Head 0 has the record's own, and nothing moves.
//
// measure 1: the record's entropy becomes the head's, its mean over the batch.
// temperatures [agents, heads - 1], of the heads from 1 on (one unused element per agent where there is one head);
// entropies [agents, batch, heads].
// Grid: one workgroup of 64 per agent (z). Determinism: thread t sums rows t, t + 64, ... in order, then a fixed tree.

struct Params {
    batch: u32,
    heads: u32,
    head: u32,
    measure: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read_write> agents: array<Agent>;
@group(0) @binding(2) var<storage, read_write> temperatures: array<HeadTemperature>;
@group(0) @binding(3) var<storage, read> entropies: array<f32>;

// import: agent
// import: head_temperature

var<workgroup> partial: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let agent = group.z;
    var sum = 0.0;
    if (p.measure == 1u) {
        for (var b = local; b < p.batch; b += 64u) {
            sum += entropies[(agent * p.batch + b) * p.heads + p.head];
        }
    }
    partial[local] = sum;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (local < half) {
            partial[local] += partial[local + half];
        }
    }
    if (local != 0u) {
        return;
    }
    if (p.head > 0u) {
        let a = agents[agent];
        let at = agent * (p.heads - 1u) + p.head - 1u;
        let other = temperatures[at];
        temperatures[at] = HeadTemperature(a.log_alpha, a.alpha, a.alpha_m, a.alpha_v, a.target_entropy);
        agents[agent].log_alpha = other.log_alpha;
        agents[agent].alpha = other.alpha;
        agents[agent].alpha_m = other.alpha_m;
        agents[agent].alpha_v = other.alpha_v;
        agents[agent].target_entropy = other.target_entropy;
    }
    if (p.measure == 1u) {
        agents[agent].entropy = partial[0] / f32(p.batch);
    }
}
