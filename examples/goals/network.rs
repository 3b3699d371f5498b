//! The networks of a saved agent, evaluated on the host from `model.safetensors`: what any program can do with its tensors.

use std::error::Error;

use softq::shared::normal::normal;
use softq::shared::rng::Rng;
use softq::shared::tanh_gaussian::LogStd;
use softq::train::event::NamedTensor;
use softq::train::model_file::{Model, read_model};
use softq::train::saved_run::SavedRun;

/// Dense layers with ReLUs in between: weights `[in, out]` and biases.
struct Network {
    layers: Vec<(NamedTensor, NamedTensor)>,
}

impl Network {
    /// The network whose tensors are called `name.layer0.weight` and so on.
    fn find(model: &Model, name: &str) -> Option<Network> {
        let tensor = |layer: usize, part: &str| model.tensors.get(&format!("{name}.layer{layer}.{part}"));
        let pair = |layer: usize| Some((tensor(layer, "weight")?.clone(), tensor(layer, "bias")?.clone()));
        let layers: Vec<_> = (0..).map_while(pair).collect();
        (!layers.is_empty()).then_some(Network { layers })
    }

    fn evaluate(&self, inputs: &[f32]) -> Vec<f32> {
        let mut values = inputs.to_vec();
        for (index, (weight, bias)) in self.layers.iter().enumerate() {
            let mut out = bias.values.clone();
            for (value, row) in values.iter().zip(weight.values.chunks_exact(out.len())) {
                out.iter_mut().zip(row).for_each(|(out, weight)| *out += value * weight);
            }
            if index + 1 < self.layers.len() {
                out.iter_mut().for_each(|value| *value = value.max(0.0));
            }
            values = out;
        }
        values
    }
}

/// How actions come from the policy's network.
enum Policy {
    /// `soft_q_svgd`: noise goes in, `tanh` of what comes out is the action.
    Sampler(Network),
    /// `sac`: mean and log standard deviation come out.
    TanhGaussian(Network, LogStd),
}

/// An agent that can be asked for values and actions.
pub struct Agent {
    critics: Vec<Network>,
    policy: Policy,
    /// Its temperature.
    pub alpha: f32,
}

impl Agent {
    /// The networks of a run.
    pub fn load(run: &SavedRun) -> Result<Agent, Box<dyn Error>> {
        let path = run.path.join(run.which.file());
        let model = read_model(&path, &std::fs::read(&path)?)?;
        let critics: Vec<Network> =
            ["q0", "q1"].iter().filter_map(|name| Network::find(&model, name)).collect();
        let config = &run.config;
        let range = LogStd {
            low: config.log_std_min as f32,
            high: config.log_std_max as f32,
            squashed: u32::from(config.log_std == softq::config::LogStdForm::Squashed),
        };
        let sampler = Network::find(&model, "sampler0").map(Policy::Sampler);
        let gaussian = || Network::find(&model, "policy0").map(|policy| Policy::TanhGaussian(policy, range));
        let policy = sampler.or_else(gaussian).ok_or("a run of soft_q_svgd or sac has a policy")?;
        Ok(Agent { critics, policy, alpha: run.log_alphas.first().map_or(1.0, |log| log.exp()) })
    }

    /// `Q(s, a)`, the least of the critics.
    pub fn value(&self, state: [f32; 2], action: [f32; 2]) -> f32 {
        let input = [state, action].concat();
        self.critics.iter().map(|critic| critic.evaluate(&input)[0]).fold(f32::INFINITY, f32::min)
    }

    /// `alpha ln mean exp(Q(s, a) / alpha)` over `along` squared actions of the square: the soft value, but for a constant.
    pub fn soft_value(&self, state: [f32; 2], along: u32) -> f32 {
        let at = |place: u32| 2.0 * (place as f32 + 0.5) / along as f32 - 1.0;
        let actions = (0..along * along).map(|index| [at(index / along), at(index % along)]);
        let values: Vec<f32> = actions.map(|action| self.value(state, action)).collect();
        let top = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = values.iter().map(|value| ((value - top) / self.alpha).exp()).sum();
        top + self.alpha * (sum / values.len() as f32).ln()
    }

    /// Draw number `index` from the policy.
    pub fn action(&self, state: [f32; 2], index: u32) -> [f32; 2] {
        let mut rng = Rng::new(0, 0, 0, index);
        let noise = [normal(&mut rng), normal(&mut rng)];
        match &self.policy {
            Policy::Sampler(network) => {
                let out = network.evaluate(&[state, noise].concat());
                [out[0].tanh(), out[1].tanh()]
            }
            Policy::TanhGaussian(network, range) => {
                let out = network.evaluate(&state);
                [0, 1].map(|i| (out[i] + range.of(out[2 + i]).exp() * noise[i]).tanh())
            }
        }
    }
}
