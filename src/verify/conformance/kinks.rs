//! Replays of several updates that no chance can fail.
//!
//! One pre-activation within rounding of 0 opens a ReLU here that is closed there, Adam turns the gradient that flows into a
//! step of its rate, and two right implementations part for good. Where a replay leaves its bounds, the same updates run in
//! f64, once to meet the engine's numbers and once to meet the recorded ones, and decisions within rounding are turned around,
//! the nearest first. Only where every number of both then agrees at the same bounds is the replay right, and the
//! report names the decisions. A fault in the engine finds no f64 replay that meets it, and one that both share none that meets the
//! record.

use std::collections::BTreeMap;

use super::compare::{Comparison, Sink};
use super::report::{Outcome, malformed};

/// Most decisions that are turned around in one replay.
const MAX_FLIPS: usize = 8;
/// Most replays in f64 for one side.
const MAX_TRIES: usize = 96;

/// A decision: the ReLU of a unit for one row of one update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// Number of the update in the file.
    pub update: usize,
    /// Which online network.
    pub net: usize,
    /// Hidden layer, from 1.
    pub layer: usize,
    /// Unit of the layer.
    pub unit: usize,
    /// Row of the batch.
    pub row: usize,
}

impl Site {
    /// `kink in update 16, unit 20 (layer 2 of online network 1, row 5)`
    fn text(&self, whose: &str) -> String {
        let Site { update, net, layer, unit, row } = self;
        let net = net + 1;
        format!(
            "kink in update {update}, unit {unit}{whose} (layer {layer} of online network {net}, row {row})"
        )
    }
}

/// A decision that rounding could turn around.
#[derive(Clone, Copy, Debug)]
pub struct Near {
    /// Which.
    pub site: Site,
    /// Distance of the pre-activation from 0 as a share of its rounding bound.
    pub share: f64,
}

/// Hands over what the updates leave in f64, with these decisions turned around, and says which ones rounding could turn around;
/// `None` where f64 knows no such networks.
pub type Double<'a> = dyn Fn(&[Site], &mut dyn Sink) -> Outcome<Option<Vec<Near>>> + 'a;

/// Compares what the engine hands over; where a bound is left, looks for decisions of rounding that explain it.
pub fn compare(
    comparison: &mut Comparison,
    engine: &mut dyn FnMut(&mut dyn Sink) -> Outcome<()>,
    double: &Double<'_>,
) -> Outcome<()> {
    let mut kept = Keeper { comparison, tensors: BTreeMap::new() };
    engine(&mut kept)?;
    let Keeper { comparison, tensors } = kept;
    if !comparison.has_failed() {
        return Ok(());
    }
    let Some(record) = meet(double, &tensors, |tensor| &tensor.want)? else { return Ok(()) };
    let Some(engine) = meet(double, &tensors, |tensor| &tensor.got)? else { return Ok(()) };
    let cases = comparison.cases;
    *comparison = Comparison::default();
    comparison.cases = cases;
    comparison.kinks.extend(engine.flips.iter().map(|site| site.text("")));
    comparison.kinks.extend(record.flips.iter().map(|site| site.text(" of the record")));
    for met in [engine, record] {
        comparison.merge(met.comparison);
    }
    Ok(())
}

/// A tensor of both sides.
struct Tensor {
    quantity: String,
    got: Vec<f32>,
    want: Vec<f32>,
    bound: f64,
}

/// Compares, and keeps what was compared.
struct Keeper<'a> {
    comparison: &'a mut Comparison,
    tensors: BTreeMap<String, Tensor>,
}

impl Sink for Keeper<'_> {
    fn tensor(&mut self, quantity: &str, label: &str, got: &[f32], want: &[f32], bound: f64) -> Outcome<()> {
        let (got_kept, want_kept) = (got.to_vec(), want.to_vec());
        let tensor = Tensor { quantity: quantity.to_owned(), got: got_kept, want: want_kept, bound };
        self.tensors.insert(label.to_owned(), tensor);
        self.comparison.tensor(quantity, label, got, want, bound)
    }
}

/// Which of both sides an f64 replay is to meet.
type Side = fn(&Tensor) -> &Vec<f32>;

/// Compares an f64 replay with one side until it leaves a bound.
struct Against<'a> {
    tensors: &'a BTreeMap<String, Tensor>,
    side: Side,
    comparison: Comparison,
    update: usize,
    failed: bool,
}

impl Sink for Against<'_> {
    fn tensor(&mut self, _: &str, label: &str, got: &[f32], _: &[f32], _: f64) -> Outcome<()> {
        let Some(tensor) = self.tensors.get(label) else {
            return malformed(format!("'{label}' was not compared before"));
        };
        self.comparison.tensor(&tensor.quantity, label, got, (self.side)(tensor), tensor.bound)?;
        self.failed |= self.comparison.has_failed();
        Ok(())
    }

    fn update(&mut self, number: usize) {
        self.update = number;
    }

    fn element(&mut self, label: &str, index: usize, value: f32) {
        let Some(tensor) = self.tensors.get(label) else { return };
        let Some(want) = (self.side)(tensor).get(index) else { return };
        let difference = (f64::from(value) - f64::from(*want)).abs();
        self.failed |= difference.is_nan() || difference > tensor.bound;
    }

    fn is_done(&self) -> bool {
        self.failed
    }
}

/// A replay that meets one side.
struct Met {
    flips: Vec<Site>,
    comparison: Comparison,
}

/// How far a replay came.
struct Attempt {
    /// The update in which it left a bound.
    failed_in: Option<usize>,
    near: Vec<Near>,
    comparison: Comparison,
}

/// The f64 replay that meets one side in every number, with as few decisions turned around as possible.
fn meet(double: &Double<'_>, tensors: &BTreeMap<String, Tensor>, side: Side) -> Outcome<Option<Met>> {
    let mut tries = 0;
    let mut attempt = |flips: &[Site]| -> Outcome<Option<Attempt>> {
        tries += 1;
        if tries > MAX_TRIES {
            return Ok(None);
        }
        let comparison = Comparison::default();
        let mut against = Against { tensors, side, comparison, update: 0, failed: false };
        let Some(near) = double(flips, &mut against)? else { return Ok(None) };
        let failed_in = against.failed.then_some(against.update);
        Ok(Some(Attempt { failed_in, near, comparison: against.comparison }))
    };
    let mut flips: Vec<Site> = Vec::new();
    let Some(mut best) = attempt(&flips)? else { return Ok(None) };
    loop {
        let Some(failed_in) = best.failed_in else {
            return Ok(Some(Met { flips, comparison: best.comparison }));
        };
        if flips.len() == MAX_FLIPS {
            return Ok(None);
        }
        best.near.retain(|near| !flips.contains(&near.site));
        best.near.sort_by(|a, b| a.share.total_cmp(&b.share));
        let mut further: Option<(Site, Attempt)> = None;
        for near in &best.near {
            let Some(next) = attempt(&[&flips[..], &[near.site]].concat())? else { break };
            let reached = |attempt: &Attempt| attempt.failed_in.unwrap_or(usize::MAX);
            let so_far = further.as_ref().map_or(failed_in, |(_, attempt)| reached(attempt));
            if reached(&next) > so_far {
                // The nearest to 0 come first, and one that leads well beyond the failure is what it was.
                let is_it = reached(&next) > failed_in + 1;
                further = Some((near.site, next));
                if is_it {
                    break;
                }
            }
        }
        let Some((site, next)) = further else { return Ok(None) };
        flips.push(site);
        best = next;
    }
}
