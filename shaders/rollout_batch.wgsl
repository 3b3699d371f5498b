// A minibatch of a rollout: capacity / batch updates in a row see every transition once, in an order of their own.
//
// update u takes part u mod (capacity / batch) of permutation u / (capacity / batch) of the transitions.
// replay [agents, capacity] transitions in the layout of `transition`; returns [agents, capacity, heads]. batch_obs
// [agents, inputs, batch, obs_size], of which the first input is written; actions, targets, entropies [agents, batch,
// heads]. With given = 1 nothing is permuted: `actions` holds the rows on entry, where the first head's action goes.
// Grid: one invocation per row, x = batch / 64, z = agent.
// Determinism: depends on the agent's seed, its update count and the row alone.

struct Params {
    batch: u32,
    obs_size: u32,
    obs_bits: u32,
    heads: u32,
    capacity: u32,
    inputs: u32,
    given: u32,
    stream: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> replay: array<u32>;
@group(0) @binding(3) var<storage, read> returns: array<LambdaReturn>;
@group(0) @binding(4) var<storage, read_write> batch_obs: array<f32>;
@group(0) @binding(5) var<storage, read_write> actions: array<u32>;
@group(0) @binding(6) var<storage, read_write> targets: array<f32>;
@group(0) @binding(7) var<storage, read_write> entropies: array<f32>;

// import: rng_word
// import: rng
// import: agent
// import: transition_end
// import: transition
// import: permutation
// import: lambda_return

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.batch) {
        return;
    }
    let row = agent * p.batch + id.x;
    var place = 0u;
    if (p.given == 1u) {
        place = min(actions[row * p.heads], p.capacity - 1u);
    } else {
        let parts = max(p.capacity / p.batch, 1u);
        let updates = agents[agent].updates;
        var rng = Rng(agents[agent].seed, p.stream + STREAM_REPLAY, updates / parts, 0u, 0u);
        let key = rng_u32(&rng);
        place = permuted(updates % parts * p.batch + id.x, p.capacity, key);
    }
    let from_row = agent * p.capacity + place;
    let t = TransitionLayout(p.obs_size, p.obs_bits, p.heads);
    let at = from_row * transition_words(t);
    let obs_to = (agent * p.inputs * p.batch + id.x) * p.obs_size;
    for (var i = 0u; i < p.obs_size; i++) {
        batch_obs[obs_to + i] = stored_element(t, at, i);
    }
    for (var head = 0u; head < p.heads; head++) {
        let result = returns[from_row * p.heads + head];
        actions[row * p.heads + head] = replay[at + action_at(t) + head];
        targets[row * p.heads + head] = result.value;
        entropies[row * p.heads + head] = result.entropy;
    }
}
