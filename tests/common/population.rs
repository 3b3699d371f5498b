//! A program that trains several agents at once, recorded by hand.

use softq::agents::acting::{self, Behaviour, Policy, Purpose, Stage};
use softq::agents::hyper;
use softq::agents::sqn::Update;
use softq::config::Config;
use softq::engine::recording::{BufferId, Buffers, Recording};
use softq::envs;
use softq::kernels::{metrics, replay_sample};
use softq::nn::{Network, NetworkSpec};
use softq::shared::agent::Agent;

/// `agents` agents with different hyperparameters: acting, sampling, updating, statistics.
pub struct Population {
    /// All memory.
    pub buffers: Buffers,
    /// Its contents.
    pub init: Vec<(BufferId, Vec<u32>)>,
    /// Starts the environments.
    pub reset: Recording,
    /// One vector step of every agent.
    pub act: Recording,
    /// One update of every agent.
    pub learn: Recording,
    /// Statistics.
    pub metrics: Recording,
}

/// SQN on CartPole for `agents` agents, each with its own seed, weights and learning rate.
pub fn population(agents: u32, config: &Config, spec: &NetworkSpec) -> Population {
    let env = envs::find("cartpole").expect("cartpole");
    let net = Network::new(spec);
    let mut buffers = Buffers::default();
    let update = Update::new(&mut buffers, config, net.clone(), agents);
    let lanes = config.num_envs;
    let warm_up = config.learning_starts.div_ceil(lanes.into()) as u32;
    let capacity = config.buffer_size;
    let replay = buffers.add("replay", u64::from(agents * capacity) * 11, "");
    let stage = Stage::new(&mut buffers, "env", env, &net, (agents, 4), lanes, "");
    let policy = Policy { agents: update.records, weights: update.weights, count: agents };
    let behaviour =
        Behaviour { purpose: Purpose::Train, greedy: false, explore: Some(warm_up), replay, capacity };
    let training = acting::record(env, &net, policy, &stage, behaviour).expect("acting");
    let mut learn = Recording::default();
    let params = replay_sample::Params {
        batch: config.batch_size,
        obs_size: 4,
        heads: 1,
        capacity,
        num_lanes: lanes,
        stream: 0,
        agents,
    };
    replay_sample::record(
        &mut learn,
        params,
        update.records,
        stage.lanes(),
        replay,
        update.batch_obs,
        update.actions_taken,
        update.rewards,
        update.terminated,
    )
    .expect("sampling");
    update.record(&mut learn, config, stage.lanes(), lanes).expect("update");
    let out = buffers.add("metrics", agents.into(), "");
    let mut statistics = Recording::default();
    let params = metrics::Params { num_lanes: lanes, agents };
    metrics::record(&mut statistics, params, update.records, stage.lanes(), out).expect("metrics");

    let records: Vec<Agent> = (0..agents)
        .map(|agent| Agent { learning_rate: 1e-3 * (1 + agent) as f32, ..hyper::agent(config, agent, 2) })
        .collect();
    let weights: Vec<f32> = (0..u64::from(4 * agents)).flat_map(|seed| net.init(seed)).collect();
    let init = vec![
        (update.records.id, bytemuck::cast_slice(&records).to_vec()),
        (update.weights.id, bytemuck::cast_slice(&weights).to_vec()),
        (update.importance.id, vec![1f32.to_bits(); (agents * config.batch_size) as usize]),
        stage.lane_params(env, 1),
    ];
    Population { buffers, init, reset: training.reset, act: training.act, learn, metrics: statistics }
}
