//! The one table from which every configuration flag, its help and its type check are made. `learning_rate` in TOML and
//! in `--set` is `--learning-rate` here; a test holds the table against the fields of [`softq::config::Config`].

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command};
use softq::config::Config;
use softq::error::{Error, Result};
use toml::{Table, Value};

/// Type of a field's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Whole number that fits 32 bits.
    U32,
    /// Whole number.
    U64,
    /// Any number.
    Number,
    /// `true` or `false`.
    Bool,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// Free text.
    Text,
    /// List of whole numbers.
    Widths,
    /// Nats, or a share of `ln|A|`.
    Entropy,
    /// List of `name=value`, one per use of the flag.
    Pairs,
}

/// One field of the configuration.
pub struct Field {
    /// Name in TOML.
    pub key: &'static str,
    /// Type.
    pub kind: Kind,
    /// Group in `--help`.
    heading: &'static str,
    /// One line of help.
    help: &'static str,
}

const RUN: &str = "Run";
const SAMPLES: &str = "Samples and updates";
const LEARNING: &str = "Network and optimiser";
const SOFT: &str = "Target and temperature";
const EXPLORATION: &str = "Exploration";
const EVALUATION: &str = "Evaluation";

const fn field(key: &'static str, kind: Kind, heading: &'static str, help: &'static str) -> Field {
    Field { key, kind, heading, help }
}

const BACKUPS: Kind = Kind::Word(&["clipped_lse", "online_policy", "sampled", "max"]);
const TEMPERATURES: Kind = Kind::Word(&["fixed", "learned", "learned_exp", "per_state", "schedule"]);

/// Every field, in the order of `--help`.
pub const FIELDS: &[Field] = &[
    field(
        "env",
        Kind::Text,
        RUN,
        "Environment: id, short name or path of a WGSL file, the same as the positional ENV",
    ),
    field(
        "env_param",
        Kind::Pairs,
        RUN,
        "Parameter of the environment, e.g. gravity=5 or gravity=uniform(5,15); may be repeated",
    ),
    field("algo", Kind::Text, RUN, "Algorithm"),
    field(
        "device",
        Kind::Text,
        RUN,
        "auto, gpu, cpu, or an address such as vulkan:0; `softq devices` lists them",
    ),
    field(
        "path",
        Kind::Word(&["auto", "layered", "fused"]),
        RUN,
        "Dispatches of a network: one per layer, or one for all; auto takes fused on hardware GPUs where the network allows it",
    ),
    field("seed", Kind::U64, RUN, "Seed of every random stream; with several agents, that of the first"),
    field(
        "agents",
        Kind::U32,
        RUN,
        "Independent agents trained side by side, with seeds from --seed on; 0 takes one, or one per combination of --sweep",
    ),
    field(
        "sweep",
        Kind::Pairs,
        RUN,
        "Hyperparameter that differs between agents: key=a,b,c, key=uniform(lo,hi) or key=log_uniform(lo,hi); may be repeated",
    ),
    field("total_timesteps", Kind::U64, RUN, "Environment steps in total, over all environments"),
    field("num_envs", Kind::U32, SAMPLES, "Environments stepped in parallel, 1 to 65,536"),
    field(
        "learning_starts",
        Kind::U64,
        SAMPLES,
        "Environment steps with random actions before learning starts",
    ),
    field("train_frequency", Kind::U32, SAMPLES, "Vector steps between two learning phases"),
    field("gradient_steps", Kind::U32, SAMPLES, "Updates per learning phase"),
    field("batch_size", Kind::U32, SAMPLES, "Transitions per update, at most buffer_size"),
    field("buffer_size", Kind::U32, SAMPLES, "Replay capacity in transitions"),
    field(
        "n_step",
        Kind::U32,
        SAMPLES,
        "Rewards summed before the bootstrap, 1 to 64; a window ends with its episode",
    ),
    field(
        "replay",
        Kind::Word(&["uniform", "prioritized"]),
        SAMPLES,
        "How batches are chosen from the replay buffer",
    ),
    field(
        "priority_exponent",
        Kind::Number,
        SAMPLES,
        "Prioritized: exponent of |TD error| + priority_eps, in [0, 1]",
    ),
    field("priority_eps", Kind::Number, SAMPLES, "Prioritized: offset of |TD error|"),
    field(
        "importance_exponent",
        Kind::Number,
        SAMPLES,
        "Prioritized: exponent of the importance weights, in [0, 1]",
    ),
    field("importance_exponent_final", Kind::Number, SAMPLES, "The same at the end of its schedule"),
    field(
        "importance_decay_steps",
        Kind::U64,
        SAMPLES,
        "Length of that schedule in environment steps; 0 means total_timesteps",
    ),
    field("reward_scale", Kind::Number, SAMPLES, "Reward multiplier; reported returns stay unscaled"),
    field("hidden", Kind::Widths, LEARNING, "Hidden layer widths of each Q network, e.g. 64,64"),
    field("activation", Kind::Word(&["relu", "tanh", "silu"]), LEARNING, "Activation of hidden layers"),
    field("layer_norm", Kind::Bool, LEARNING, "Layer normalisation before each hidden activation"),
    field("dueling", Kind::Bool, LEARNING, "Dueling head: Q = A - mean(A) + V"),
    field(
        "action_input",
        Kind::Bool,
        LEARNING,
        "q(s, a) of one output that sees the action, instead of q(s, .)",
    ),
    field(
        "init",
        Kind::Word(&["torch_default", "orthogonal", "he", "glorot"]),
        LEARNING,
        "Initial weights; biases start at 0 except under torch_default",
    ),
    field(
        "init_gain",
        Kind::Number,
        LEARNING,
        "Gain of hidden layers' initial weights; 0 suits the activation",
    ),
    field(
        "output_gain",
        Kind::Number,
        LEARNING,
        "Gain of the output layer's initial weights; 0 starts it as zeros",
    ),
    field("learning_rate", Kind::Number, LEARNING, "Adam step size of the Q networks, in (0, 1]"),
    field("loss", Kind::Word(&["mse", "half_mse", "huber"]), LEARNING, "Loss of the TD error"),
    field("huber_delta", Kind::Number, LEARNING, "Threshold of the Huber loss"),
    field("max_grad_norm", Kind::Number, LEARNING, "Global-norm clip of the gradient; 0 switches it off"),
    field("adam_beta1", Kind::Number, LEARNING, "Adam's first moment decay, in [0, 1)"),
    field("adam_beta2", Kind::Number, LEARNING, "Adam's second moment decay, in [0, 1)"),
    field("adam_eps", Kind::Number, LEARNING, "Adam's denominator offset"),
    field("gamma", Kind::Number, SOFT, "Discount, in [0, 1]"),
    field("polyak", Kind::Number, SOFT, "Target averaging rate, in (0, 1]; 1 copies the weights"),
    field("target_update_interval", Kind::U32, SOFT, "Updates between two target updates"),
    field("double_q", Kind::Bool, SOFT, "dqn: the online net chooses the action that the target net values"),
    field(
        "munchausen_scale",
        Kind::Number,
        SOFT,
        "munchausen: share of alpha ln pi in the reward; 0 is soft DQN",
    ),
    field("munchausen_clip", Kind::Number, SOFT, "munchausen: lower clip of alpha ln pi, at most 0"),
    field("backup", BACKUPS, SOFT, "Soft value of the next state"),
    field(
        "twin",
        Kind::Word(&["min", "mean", "off"]),
        SOFT,
        "Minimum or mean of both target networks, or the first alone",
    ),
    field("entropy_in_target", Kind::Bool, SOFT, "alpha H is part of the target"),
    field(
        "n_step_entropy",
        Kind::Bool,
        SOFT,
        "With n_step > 1: alpha H of the states between is part of the target too",
    ),
    field(
        "target_network",
        Kind::Bool,
        SOFT,
        "soft_q: bootstrap from a target network, or from the online one",
    ),
    field(
        "value_transform",
        Kind::Word(&["none", "signed_log"]),
        SOFT,
        "soft_q: learn the values, or sign(x) ln(1 + |x|) of them",
    ),
    field(
        "kl",
        Kind::Bool,
        SOFT,
        "Entropy relative to the uniform policy: subtract alpha ln|A| from every value",
    ),
    field("temperature", TEMPERATURES, SOFT, "How alpha moves"),
    field("alpha", Kind::Number, SOFT, "Temperature, initial or fixed"),
    field("alpha_final", Kind::Number, SOFT, "Temperature at the end of a schedule"),
    field(
        "alpha_decay_steps",
        Kind::U64,
        SOFT,
        "Length of the schedule in environment steps; 0 means total_timesteps",
    ),
    field("alpha_learning_rate", Kind::Number, SOFT, "Adam step size of log_alpha, in (0, 1]"),
    field("alpha_min", Kind::Number, SOFT, "Lower clamp of alpha"),
    field("alpha_max", Kind::Number, SOFT, "Upper clamp of alpha"),
    field(
        "target_entropy",
        Kind::Entropy,
        SOFT,
        "Nats such as 0.2, or a share of the maximum such as '0.5ln|A|'",
    ),
    field(
        "exploration",
        Kind::Word(&["boltzmann", "greedy"]),
        EXPLORATION,
        "Behaviour policy while training",
    ),
    field("epsilon", Kind::Number, EXPLORATION, "Share of uniformly random actions at the start, in [0, 1]"),
    field("epsilon_final", Kind::Number, EXPLORATION, "The same at the end of its schedule"),
    field("epsilon_decay_steps", Kind::U64, EXPLORATION, "Length of that schedule; 0 keeps epsilon"),
    field("log_frequency", Kind::U64, EVALUATION, "Environment steps between two rows of statistics"),
    field(
        "eval_frequency",
        Kind::U64,
        EVALUATION,
        "Environment steps between evaluations; 0 evaluates at the end only",
    ),
    field("eval_episodes", Kind::U32, EVALUATION, "Episodes per evaluation"),
    field("stop_when_solved", Kind::Bool, EVALUATION, "Stop once an evaluation reaches the reward threshold"),
];

/// The field named `key`, or the error that names the nearest one.
pub fn find(key: &str) -> Result<&'static Field> {
    FIELDS
        .iter()
        .find(|field| field.key == key)
        .ok_or_else(|| Error::unknown("config key", key, FIELDS.iter().map(|field| field.key)))
}

impl Field {
    /// Name of the flag, without the dashes.
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    /// What a value must look like, in words.
    pub fn expected(&self) -> String {
        match self.kind {
            Kind::U32 => "a whole number from 0 to 4,294,967,295".into(),
            Kind::U64 => "a whole number, 0 or more".into(),
            Kind::Number => "a number such as 0.001".into(),
            Kind::Bool => "true or false".into(),
            Kind::Word(words) => format!("one of {}", words.join(", ")),
            Kind::Text => "a text".into(),
            Kind::Widths => "a list of whole numbers such as [64, 64]".into(),
            Kind::Pairs => "a list of texts such as [\"max_episode_steps=200\"]".into(),
            Kind::Entropy => "nats such as 0.2, or a share of the maximum such as \"0.5ln|A|\"".into(),
        }
    }

    /// Reads a value from the command line; `None` when it has the wrong type. Whole numbers may be written as 60_000
    /// or 6e4.
    pub fn parse(&self, text: &str) -> Option<Value> {
        let number = || text.replace('_', "").parse::<f64>().ok();
        let value = match self.kind {
            Kind::U32 | Kind::U64 => {
                // Every whole f64 below 2^53 is exact; larger ones must be written out.
                let whole = |n: f64| (n.fract() == 0.0 && n.abs() < 9e15).then_some(n as i64);
                Value::Integer(text.replace('_', "").parse().ok().or_else(|| number().and_then(whole))?)
            }
            Kind::Number => Value::Float(number()?),
            Kind::Bool => Value::Boolean(text.parse().ok()?),
            Kind::Word(_) | Kind::Text => Value::String(text.to_owned()),
            Kind::Widths => Value::Array(
                text.trim_matches(['[', ']'])
                    .split(',')
                    .map(|width| width.trim().parse().ok().map(Value::Integer))
                    .collect::<Option<_>>()?,
            ),
            // A comma may be part of a value.
            Kind::Pairs => Value::Array(
                text.split([';', '\n'])
                    .filter(|pair| !pair.trim().is_empty())
                    .map(|pair| Value::String(pair.trim().to_owned()))
                    .collect(),
            ),
            Kind::Entropy => number().map_or_else(|| Value::String(text.to_owned()), Value::Float),
        };
        self.fits(&value).then_some(value)
    }

    /// Whether [`Config`] takes `value` for this field.
    pub fn fits(&self, value: &Value) -> bool {
        Table::from_iter([(self.key.to_owned(), value.clone())]).try_into::<Config>().is_ok()
    }
}

/// One flag per field, parsed by clap into the strings that the user wrote.
#[derive(Clone, Debug, Default)]
pub struct FieldFlags(pub Vec<(&'static Field, String)>);

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.key)
    }
}

impl clap::FromArgMatches for FieldFlags {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let given = |field: &'static Field| {
            let values: Vec<&str> = matches.get_many::<String>(field.key)?.map(String::as_str).collect();
            Some((field, values.join("\n")))
        };
        Ok(FieldFlags(FIELDS.iter().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> std::result::Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for FieldFlags {
    fn augment_args(command: Command) -> Command {
        let defaults = Table::try_from(Config::default()).unwrap_or_default();
        FIELDS.iter().fold(command, |command, field| command.arg(argument(field, defaults.get(field.key))))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// clap gets no default value: a flag that was not given must not override the preset or the file.
fn argument(field: &'static Field, default: Option<&Value>) -> Arg {
    let shown = default.map(|value| format!(" [default: {}]", plain(value))).unwrap_or_default();
    let arg = Arg::new(field.key)
        .long(field.flag())
        .help(format!("{}{shown}", field.help))
        .help_heading(field.heading)
        .allow_negative_numbers(true);
    let arg = if field.key == "env" { arg.alias("env-id").conflicts_with("environment") } else { arg };
    match field.kind {
        Kind::Word(words) => arg.value_name("WORD").value_parser(PossibleValuesParser::new(words)),
        Kind::Bool => arg.value_name("BOOL").value_parser(PossibleValuesParser::new(["true", "false"])),
        Kind::U32 | Kind::U64 => arg.value_name("N"),
        Kind::Number => arg.value_name("X"),
        Kind::Widths => arg.value_name("N,N"),
        Kind::Entropy => arg.value_name("X"),
        Kind::Pairs => arg.value_name("NAME=VALUE").action(clap::ArgAction::Append),
        Kind::Text => arg.value_name("NAME"),
    }
}

/// A value as the user would write it on the command line.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_every_field_of_the_configuration() {
        let config = Table::try_from(Config::default()).expect("serialise");
        let mut keys: Vec<&str> = FIELDS.iter().map(|field| field.key).collect();
        keys.sort_unstable();
        assert_eq!(keys, config.keys().map(String::as_str).collect::<Vec<_>>());
    }

    #[test]
    fn every_default_and_every_word_survives_the_command_line() {
        let config = Table::try_from(Config::default()).expect("serialise");
        for field in FIELDS {
            let default = &config[field.key];
            assert_eq!(field.parse(&plain(default)).as_ref(), Some(default), "{}", field.key);
            if let Kind::Word(words) = field.kind {
                assert!(words.iter().all(|word| field.parse(word).is_some()), "{}", field.key);
                assert!(field.parse("nonsense").is_none(), "{}", field.key);
            }
        }
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let steps = find("total_timesteps").expect("field");
        for text in ["60000", "60_000", "6e4"] {
            assert_eq!(steps.parse(text), Some(Value::Integer(60_000)), "{text}");
        }
        for text in ["-1", "many", "0.5", "1e30", ""] {
            assert_eq!(steps.parse(text), None, "{text}");
        }
        assert_eq!(find("batch_size").expect("field").parse("5000000000"), None, "does not fit 32 bits");
        let hidden = find("hidden").expect("field");
        for text in ["32,16", "[32, 16]"] {
            assert_eq!(hidden.parse(text), Some(Value::Array(vec![32.into(), 16.into()])), "{text}");
        }
        let entropy = find("target_entropy").expect("field");
        assert_eq!(entropy.parse("0.2"), Some(Value::Float(0.2)));
        assert_eq!(entropy.parse("0.7ln|A|"), Some(Value::String("0.7ln|A|".into())));
        assert_eq!(entropy.parse("lots"), None);
    }
}
