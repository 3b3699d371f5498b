//! Divides what random numbers may be into boxes in each of which a step, or a reset, does one thing.
//!
//! The whole is tried first; wherever the run stops because it depends on where a random number lies, the box is divided
//! there. What is decided is proven for every value of every random number, however rare; what is left when the work has no
//! end is known by its share.

use naga::{Function, Handle, Module};

use super::boxes::Cell;
use super::divide::{Division, Parts};
use super::machine::{Machine, Stop, constant};
use super::memory::{forget, from_words, places, zero};
use super::value::{HIDDEN, Pointer, Scalar, Value};
use crate::engine::compose::compose;
use crate::engine::env::Env;
use crate::engine::variant;
use crate::kernels::env_probe;

/// Runs for one state and action.
const BUDGET: usize = 6000;
/// Runs for all starts.
const RESET_BUDGET: usize = 50_000;

/// An environment's functions, ready to be run.
pub struct Program {
    pub(super) module: Module,
    step: Handle<Function>,
    reset: Handle<Function>,
    pub(super) state: Handle<naga::Type>,
    rng: Handle<naga::Type>,
    params: Vec<u32>,
    constants: Vec<Option<Value>>,
    /// Words of the numbers of a state.
    places: Vec<usize>,
    division: Division,
}

impl Program {
    /// Reads the functions of an environment, or says why not.
    pub fn new(env: &'static Env) -> Result<Program, String> {
        let text = compose(&env_probe::KERNEL, Some(env), None).map_err(|error| error.to_string())?.text;
        let (module, _) = variant::parse(&text)?;
        let function = |name: &str| {
            let found = module.functions.iter().find(|(_, f)| f.name.as_deref() == Some(name));
            found.map(|(handle, _)| handle).ok_or(format!("there is no {name}"))
        };
        let ty = |name: &str| {
            let found = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name));
            found.map(|(handle, _)| handle).ok_or(format!("there is no {name}"))
        };
        let (step, reset, state, rng) =
            (function("take_step")?, function("reset")?, ty("State")?, ty("Rng")?);
        let places = places(&module, state).ok_or("State holds a type that is not understood")?;
        let params = env.lane_params(0, 1);
        let division = Division::default();
        let value =
            |(_, found): (_, &naga::Constant)| constant(&module, &module.global_expressions[found.init]);
        let constants = module.constants.iter().map(value).collect();
        Ok(Program { module, step, reset, state, rng, params, constants, places, division })
    }

    fn pointer(variable: usize) -> Value {
        Value::Pointer(Pointer { frame: Some(0), variable, path: Vec::new() })
    }

    /// A generator of which nothing but the number of draws is known.
    fn generator(&self) -> Result<Value, Stop> {
        let mut rng = zero(&self.module, self.rng)
            .ok_or(Stop::Unknown("Rng is of a type that is not understood".into()))?;
        forget(&mut rng, &mut [true, true, true, true, false].into_iter(), HIDDEN);
        Ok(rng)
    }

    /// The words of a known state; `hidden` ones may be anything.
    fn known(&self, state: &Value, hidden: &[bool]) -> Result<Vec<u32>, Stop> {
        let (mut words, mut open, mut index) = (Vec::new(), 0, 0);
        state.scalars(&mut |scalar| {
            let skip = hidden.get(self.places[index]) == Some(&true);
            words.push(if skip { 0 } else { scalar.word().unwrap_or(0) });
            if !skip && scalar.word().is_none() {
                open |= scalar.from | if scalar.from == 0 { HIDDEN } else { 0 };
            }
            index += 1;
        });
        if open != 0 { Err(Stop::Split(open)) } else { Ok(words) }
    }

    /// What a step does, whatever the hidden words of the state are: words of the next state, reward, end.
    fn step(&self, state: &[u32], hidden: &[bool], action: u32, cell: &Cell) -> Result<Vec<u32>, Stop> {
        let mut before = from_words(&self.module, self.state, state)
            .ok_or(Stop::Unknown("State holds a type that is not understood".into()))?;
        let mut which = self.places.iter().map(|place| hidden.get(*place) == Some(&true));
        forget(&mut before, &mut which, HIDDEN);
        let mut machine = Machine::new(&self.module, &self.constants, &self.params, cell)?;
        let action = Value::Many(vec![Value::Scalar(Scalar::uint(action))]);
        let (outcome, after) = machine.call_with(
            self.step,
            vec![before, self.generator()?],
            vec![Program::pointer(0), action, Program::pointer(1)],
        )?;
        let (Some(outcome), Some(after)) = (outcome, after.first()) else {
            return Err(Stop::Unknown("a step without an outcome".into()));
        };
        let mut words = self.known(after, hidden)?;
        let mut open = 0;
        outcome.scalars(&mut |scalar| match scalar.word() {
            Some(word) => words.push(word),
            None => open |= scalar.from | if scalar.from == 0 { HIDDEN } else { 0 },
        });
        if open != 0 { Err(Stop::Split(open)) } else { Ok(words) }
    }

    fn start(&self, cell: &Cell) -> Result<Vec<u32>, Stop> {
        let mut machine = Machine::new(&self.module, &self.constants, &self.params, cell)?;
        let (state, _) = machine.call_with(self.reset, vec![self.generator()?], vec![Program::pointer(0)])?;
        self.known(&state.ok_or(Stop::Unknown("a reset without a state".into()))?, &[])
    }

    /// The boxes of a step, whatever the hidden words of the state are; where they matter, the boxes are open.
    pub fn steps(&mut self, state: &[u32], hidden: &[bool], action: u32) -> Parts {
        let mut division = std::mem::take(&mut self.division);
        let parts = division.of(|cell| self.step(state, hidden, action, cell), BUDGET);
        self.division = division;
        parts
    }

    /// The boxes of a reset.
    pub fn starts(&self) -> Parts {
        Division::default().of(|cell| self.start(cell), RESET_BUDGET)
    }
}
