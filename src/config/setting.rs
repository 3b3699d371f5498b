//! One setting of a run: a row of the table in `table.rs`, and what follows from a row alone. Reading a value from a text, its
//! range in words, the check of a value, when it has an effect, and the check of what the device reads in its place.

use toml::{Table, Value};

use crate::config::{Config, TargetEntropy};
use crate::error::{Error, Result};
use crate::shared::agent::Agent;
use crate::shared::layout::fits_f32;
use crate::shared::optimizer::Optimizer;

/// Type of a setting's value.
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

/// A Rust type that a field of [`Config`] may have.
pub(super) trait SettingType {
    /// Its kind.
    const KIND: Kind;

    /// The numbers that must lie in the setting's range.
    fn numbers(&self) -> Vec<f64> {
        Vec::new()
    }
}

macro_rules! setting_types {
    ($($ty:ty = $kind:ident, |$value:ident| $numbers:expr;)+) => {$(
        impl SettingType for $ty {
            const KIND: Kind = Kind::$kind;

            fn numbers(&self) -> Vec<f64> {
                let $value = self;
                $numbers
            }
        }
    )+};
}

setting_types! {
    u32 = U32, |value| vec![f64::from(*value)];
    u64 = U64, |value| vec![*value as f64];
    f64 = Number, |value| vec![*value];
    bool = Bool, |_value| Vec::new();
    String = Text, |_value| Vec::new();
    Vec<u32> = Widths, |widths| widths.iter().copied().map(f64::from).collect();
    Vec<String> = Pairs, |_value| Vec::new();
    TargetEntropy = Entropy, |_value| Vec::new();
}

/// Writes what the device reads of a setting into a record. The number is that of actions.
#[derive(Clone, Copy)]
enum Fill {
    Nothing,
    Agent(fn(&Config, u32, &mut Agent)),
    Optimizer(fn(&Config, &mut Optimizer)),
    PolicyOptimizer(fn(&Config, &mut Optimizer)),
}

/// What other settings must say for one to have an effect: in words, and as a test.
type Need = (&'static str, fn(&Config) -> bool);

/// One row of the table of settings.
///
/// ```
/// use softq::config::{Config, Kind, Setting, find, plain};
///
/// let steps: &Setting = find("total_timesteps")?;
/// assert_eq!((steps.kind, steps.flag().as_str()), (Kind::U64, "total-timesteps"));
/// let value = steps.parse("6e4").expect("a whole number");
/// assert_eq!(plain(&value), "60000");
/// assert!(steps.parse("many").is_none());
/// let rate = find("learning_rate")?;
/// assert!(rate.is_sweepable() && !steps.is_sweepable());
/// let error = rate.check(&Config { learning_rate: 2.0, ..Config::default() }, 2).expect_err("too large");
/// assert!(error.to_string().starts_with("learning_rate = 2 is not allowed: it must be in (0, 1]."), "{error}");
/// # Ok::<(), softq::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Setting {
    /// Name in TOML, in `--set` and, with dashes, of the flag.
    pub key: &'static str,
    /// Type.
    pub kind: Kind,
    /// Group in `--help`.
    pub heading: &'static str,
    /// What it is, in one sentence.
    help: &'static str,
    /// Algorithms that use it; none named: all.
    pub algorithms: &'static [&'static str],
    low: f64,
    high: f64,
    /// Whether the ends themselves are outside.
    open: [bool; 2],
    hint: &'static str,
    needs: Option<Need>,
    fill: Fill,
    numbers: fn(&Config) -> Vec<f64>,
    alike: fn(&Config, &Config) -> bool,
}

/// The parts of a row, in the order in which it names them.
impl Setting {
    pub(super) const fn new<T: SettingType>(
        key: &'static str,
        heading: &'static str,
        help: &'static str,
        numbers: fn(&Config) -> Vec<f64>,
        alike: fn(&Config, &Config) -> bool,
    ) -> Setting {
        // A file holds whole numbers up to the largest of TOML.
        let (low, high) = match T::KIND {
            Kind::U32 => (0.0, u32::MAX as f64),
            Kind::U64 => (0.0, i64::MAX as f64),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        };
        let (open, hint) = ([false; 2], "");
        Setting {
            key,
            kind: T::KIND,
            heading,
            help,
            algorithms: &[],
            low,
            high,
            open,
            hint,
            needs: None,
            fill: Fill::Nothing,
            numbers,
            alike,
        }
    }

    /// From `low` to `high`, both allowed.
    pub(super) const fn within(self, low: f64, high: f64) -> Setting {
        Setting { low, high, ..self }
    }

    /// `low` or more.
    pub(super) const fn at_least(self, low: f64) -> Setting {
        Setting { low, ..self }
    }

    /// Above `low`.
    pub(super) const fn above(self, low: f64) -> Setting {
        Setting { low, open: [true, self.open[1]], ..self }
    }

    /// `high` or less.
    pub(super) const fn at_most(self, high: f64) -> Setting {
        Setting { high, ..self }
    }

    /// Below `high`.
    pub(super) const fn below(self, high: f64) -> Setting {
        Setting { high, open: [self.open[0], true], ..self }
    }

    /// What to do about a value outside the range.
    pub(super) const fn hint(self, hint: &'static str) -> Setting {
        Setting { hint, ..self }
    }

    /// The algorithms that use it.
    pub(super) const fn only(self, algorithms: &'static [&'static str]) -> Setting {
        Setting { algorithms, ..self }
    }

    /// What other settings must say for it to have an effect.
    pub(super) const fn needs(self, words: &'static str, met: fn(&Config) -> bool) -> Setting {
        Setting { needs: Some((words, met)), ..self }
    }

    /// What it fills of the agent's record, and so may differ between the agents of a run.
    pub(super) const fn fills(self, fill: fn(&Config, u32, &mut Agent)) -> Setting {
        Setting { fill: Fill::Agent(fill), ..self }
    }

    /// What it fills of the optimiser's record, likewise.
    pub(super) const fn steps(self, fill: fn(&Config, &mut Optimizer)) -> Setting {
        Setting { fill: Fill::Optimizer(fill), ..self }
    }

    /// What it fills of the record of a policy network's optimiser, where that differs.
    pub(super) const fn policy_steps(self, fill: fn(&Config, &mut Optimizer)) -> Setting {
        Setting { fill: Fill::PolicyOptimizer(fill), ..self }
    }
}

impl Setting {
    /// Name of the flag, without the dashes.
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    /// What it is, in one sentence without a final stop.
    pub fn help(&self) -> &'static str {
        self.help.trim().trim_end_matches('.')
    }

    /// What other settings would have to say for it to have an effect; nothing where they do.
    pub fn unmet(&self, config: &Config) -> Option<&'static str> {
        self.needs.filter(|(_, met)| !met(config)).map(|(words, _)| words)
    }

    /// Whether it may differ between the agents of a run.
    pub fn is_sweepable(&self) -> bool {
        !matches!(self.fill, Fill::Nothing)
    }

    /// Writes what the device reads of it into `agent`; `actions` are those of the smallest head.
    pub fn fill_agent(&self, config: &Config, actions: u32, agent: &mut Agent) {
        if let Fill::Agent(fill) = self.fill {
            fill(config, actions, agent);
        }
    }

    /// Writes what the device reads of it into `optimizer`.
    pub fn fill_optimizer(&self, config: &Config, optimizer: &mut Optimizer) {
        if let Fill::Optimizer(fill) = self.fill {
            fill(config, optimizer);
        }
    }

    /// Writes what the device reads of it into the optimiser of a policy network, which is otherwise like that of the values.
    pub fn fill_policy_optimizer(&self, config: &Config, optimizer: &mut Optimizer) {
        if let Fill::PolicyOptimizer(fill) = self.fill {
            fill(config, optimizer);
        }
    }

    /// What a value must look like, in words.
    pub fn expected(&self) -> String {
        match self.kind {
            Kind::U32 | Kind::U64 => format!("a whole number, {}", self.range()),
            Kind::Number => "a number such as 0.001".into(),
            Kind::Bool => "true or false".into(),
            Kind::Word(words) => format!("one of {}", words.join(", ")),
            Kind::Text => "a text".into(),
            Kind::Widths => "a list of whole numbers such as [64, 64]".into(),
            Kind::Pairs => "a list of texts such as [\"max_episode_steps=200\"]".into(),
            Kind::Entropy => {
                "nats such as 0.2, a share of the maximum such as \"0.5ln|A|\", or for real-valued actions a multiple of \
                 their dimensions such as \"-1dim(A)\""
                    .into()
            },
        }
    }

    /// The range in words; empty where there is none.
    pub fn range(&self) -> String {
        let whole = self.kind != Kind::Number;
        let text = |x: f64| if whole { thousands((x as u64).min(i64::MAX as u64)) } else { plain_number(x) };
        let (low, high) = (text(self.low), text(self.high));
        match (self.low.is_finite(), self.high.is_finite(), self.open) {
            (true, true, _) if whole => format!("{low} to {high}"),
            (true, true, [first, last]) => {
                format!("in {}{low}, {high}{}", if first { '(' } else { '[' }, if last { ')' } else { ']' })
            }
            (true, false, [true, _]) => format!("a finite number above {low}"),
            (true, false, _) => format!("a finite number, {low} or more"),
            (false, true, _) => format!("a finite number, at most {high}"),
            (false, false, _) => String::new(),
        }
    }

    /// Refuses a value outside the range, or one that would be another in the device's f32.
    pub fn check(&self, config: &Config, actions: u32) -> Result<()> {
        for number in (self.numbers)(config) {
            let low = if self.open[0] { number > self.low } else { number >= self.low };
            let high = if self.open[1] { number < self.high } else { number <= self.high };
            if !(low && high && number.is_finite()) {
                return Err(Error::invalid(self.key, short(number), self.range(), self.hint));
            }
            if self.kind == Kind::Number && !fits_f32(number) {
                return Err(self.outside_f32(short(number)));
            }
        }
        self.check_words(config, actions)
    }

    /// What is computed from a value in f64 may leave f32 too: no word may be infinite or subnormal.
    fn check_words(&self, config: &Config, actions: u32) -> Result<()> {
        // The records hold whole numbers beside f32; those come from settings that are whole numbers or words.
        if matches!(self.kind, Kind::U32 | Kind::U64 | Kind::Word(_)) {
            return Ok(());
        }
        let (mut agent, mut optimizer) = (Agent::default(), Optimizer::default());
        self.fill_agent(config, actions, &mut agent);
        self.fill_optimizer(config, &mut optimizer);
        self.fill_policy_optimizer(config, &mut optimizer);
        let words =
            |bytes| bytemuck::cast_slice::<u8, f32>(bytes).iter().all(|word| fits_f32(f64::from(*word)));
        match words(bytemuck::bytes_of(&agent)) && words(bytemuck::bytes_of(&optimizer)) {
            true => Ok(()),
            false => Err(self.outside_f32(plain(&self.value(config)))),
        }
    }

    fn outside_f32(&self, value: impl ToString) -> Error {
        let zero = if self.low < 0.0 || (self.low == 0.0 && !self.open[0]) { "0, or " } else { "" };
        let range = self.range();
        Error::invalid(
            self.key,
            value,
            format!(
                "{zero}a number from {:e} to {:e} in size, which is what 32 bits hold{}{range}",
                f32::MIN_POSITIVE,
                f32::MAX,
                if range.is_empty() { "" } else { ", and " }
            ),
            self.hint,
        )
    }

    /// Whether two configurations have the same value.
    pub fn alike(&self, one: &Config, other: &Config) -> bool {
        (self.alike)(one, other)
    }

    /// Its value in `config`.
    pub fn value(&self, config: &Config) -> Value {
        let value = Table::try_from(config).ok().and_then(|mut table| table.remove(self.key));
        value.unwrap_or(Value::Boolean(false))
    }

    /// Reads a value from a text; `None` when it has the wrong type. Whole numbers may be written as 60_000 or 6e4.
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
            // As in a file of settings.
            Kind::Pairs if text.starts_with('[') => {
                toml::from_str::<Table>(&format!("pairs = {text}")).ok()?.remove("pairs")?
            }
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

    /// Whether [`Config`] takes `value` for this setting.
    pub fn fits(&self, value: &Value) -> bool {
        Table::from_iter([(self.key.to_owned(), value.clone())]).try_into::<Config>().is_ok()
    }
}

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.key)
    }
}

/// A value as the user would write it on the command line.
///
/// ```
/// use softq::config::{find, plain};
///
/// let widths = find("hidden")?.parse("[32, 16]").expect("widths");
/// assert_eq!(plain(&widths), "32,16");
/// # Ok::<(), softq::Error>(())
/// ```
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// A number in full, or with an exponent where that would be long.
fn short(x: f64) -> String {
    let text = x.to_string();
    if text.len() <= 12 { text } else { format!("{x:e}") }
}

/// A bound of a range: 0, 1, 100, or with an exponent.
fn plain_number(x: f64) -> String {
    if x == 0.0 || (1e-3..1e4).contains(&x.abs()) { x.to_string() } else { format!("{x:e}") }
}

/// `60000` as `60,000`.
///
/// ```
/// assert_eq!(softq::config::thousands(1_234_567), "1,234,567");
/// ```
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with what is counted.
///
/// ```
/// use softq::config::counted;
///
/// assert_eq!([1, 2, 1_000].map(|seeds| counted(seeds, "seed")), ["1 seed", "2 seeds", "1,000 seeds"]);
/// ```
pub fn counted(count: usize, what: &str) -> String {
    format!("{} {what}{}", thousands(count as u64), if count == 1 { "" } else { "s" })
}
