//! The networks that a configuration describes: perceptrons, or one of the named networks of convolutions.

use crate::config::{ActionHeads, Config, HiddenActivation, NetworkChoice};
use crate::engine::env::{ActionSpace, Env};
use crate::error::{Error, Result};
use crate::kernels::Activation;
use crate::nn::{Convolution, Initialiser, Network, NetworkSpec};
use crate::shared::shape::Shape;

/// A network by name: its convolutions and the widths of its dense layers, heads aside.
fn layers(config: &Config) -> (Vec<Convolution>, Vec<u32>) {
    match config.network {
        NetworkChoice::Mlp => (vec![], config.hidden.clone()),
        NetworkChoice::Minatar => (vec![Convolution::square(16, 3, 1)], vec![128]),
        NetworkChoice::Nature => {
            let convolution = |(filters, kernel, stride)| Convolution::square(filters, kernel, stride);
            ([(32, 8, 4), (64, 4, 2), (64, 3, 1)].map(convolution).to_vec(), vec![512])
        }
    }
}

/// What the Q networks of a configuration are.
fn spec(config: &Config, env: &Env) -> NetworkSpec {
    let activation = match config.activation {
        HiddenActivation::Relu => Activation::Relu,
        HiddenActivation::Tanh => Activation::Tanh,
        HiddenActivation::Silu => Activation::Silu,
    };
    let branching = config.action_heads == ActionHeads::Branching;
    let dueling = config.dueling || branching;
    let (convolutions, hidden) = layers(config);
    NetworkSpec {
        convolutions,
        layer_norm: config.layer_norm,
        dueling,
        one_value: branching,
        head_hidden: if dueling { hidden.last().copied() } else { None },
        action_input: config.action_input,
        heads: match &env.actions {
            ActionSpace::Box { low, .. } => vec![2 * low.len() as u32],
            choices => choices.heads(),
        },
        initialiser: Initialiser {
            init: config.init,
            gain: (config.init_gain > 0.0).then_some(config.init_gain),
            output_gain: config.output_gain,
        },
        ..NetworkSpec::mlp(env.obs_shape, &hidden, 0, activation)
    }
}

/// The shape of Q networks, and of a policy network beside them, which `check` must have nothing against. Actions that are real
/// numbers have no values of their own: there it is a policy's, with a mean and an `ln sigma` of each dimension.
pub fn network(config: &Config, env: &Env) -> Network {
    Network::new(&spec(config, env))
}

/// The shape of critics, which see real-valued actions behind the observation; that of [`network`] where there are choices.
pub fn critic(config: &Config, env: &Env) -> Network {
    let spec = spec(config, env);
    match env.actions {
        ActionSpace::Box { ref low, .. } => Network::new(&NetworkSpec {
            input: Shape::Flat(env.obs_size + low.len() as u32),
            heads: vec![1],
            ..spec
        }),
        _ => Network::new(&spec),
    }
}

/// The shape of a network that turns noise behind the observation into a real-valued action, an element of noise for each dimension.
pub fn sampler(config: &Config, env: &Env) -> Network {
    let spec = spec(config, env);
    let dims = env.actions.words() as u32;
    let input = Shape::Flat(env.obs_size + dims);
    Network::new(&NetworkSpec { input, heads: vec![dims], ..spec })
}

/// Refuses a network that an environment's observations do not fit.
pub fn check(config: &Config, env: &Env) -> Result<()> {
    let word = config.network.word();
    if config.network != NetworkChoice::Mlp && config.action_input {
        return Err(Error::invalid(
            "action_input",
            true,
            format!("false with network = {word}"),
            "A convolution sees the observation alone.",
        ));
    }
    let Err(why) = spec(config, env).check() else { return Ok(()) };
    // The smallest grid of which one window is left at the end.
    let smallest = layers(config).0.iter().rev().fold([1, 1], |size: [u32; 2], convolution| {
        [0, 1].map(|axis| (size[axis] - 1) * convolution.stride[axis] + convolution.kernel[axis])
    });
    let hint = match env.obs_shape {
        Shape::Flat(size) => format!(
            "Its windows move over a grid of at least {} x {} cells, and an observation of {} is a row of {size} numbers; an \
             environment file says that it is a grid by `const OBS_SHAPE = array(height, width, channels);`.",
            smallest[0], smallest[1], env.id
        ),
        grid => format!(
            "It needs at least {} x {} cells, and an observation of {} is {grid}: {why}.",
            smallest[0], smallest[1], env.id
        ),
    };
    Err(Error::invalid("network", word, format!("a network that fits the observations of {}", env.id), hint))
}

/// The setting that says what the networks are, with its value.
pub fn described(config: &Config) -> (&'static str, String) {
    match config.network {
        NetworkChoice::Mlp => ("hidden", format!("{:?}", config.hidden)),
        named => ("network", named.word().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envs;
    use crate::nn::Tensor;

    fn config(network: NetworkChoice) -> Config {
        Config { network, ..Config::default() }
    }

    #[test]
    fn named_networks_take_grids_that_are_large_enough() {
        let catch = envs::open("catch", &Default::default()).expect("built in");
        let minatar = config(NetworkChoice::Minatar);
        check(&minatar, catch).expect("10 x 5 x 1");
        let widths: Vec<u32> = network(&minatar, catch).tensors().iter().map(Tensor::width).collect();
        assert_eq!(widths, [50, 8 * 3 * 16, 128, 3]);
        let refused = |config: &Config, env| check(config, env).expect_err("refused").to_string();
        let text = refused(&config(NetworkChoice::Nature), catch);
        assert!(text.contains("network = nature") && text.contains("at least 36 x 36"), "{text}");
        assert!(text.contains("10 x 5 x 1"), "{text}");
        let cartpole = envs::open("cartpole", &Default::default()).expect("built in");
        let text = refused(&minatar, cartpole);
        assert!(text.contains("at least 3 x 3") && text.contains("a row of 4 numbers"), "{text}");
        assert!(text.contains("OBS_SHAPE"), "{text}");
        let seeing = Config { action_input: true, ..minatar };
        assert!(refused(&seeing, catch).contains("action_input = true"));
    }
}
