//! Runs the cases of one kernel and compares every word of every output with the CPU twin and with the f64 reference.

use crate::engine::executor::{Executor, read_later};
use crate::engine::kernel::{Kernel, TwinCall};
use crate::engine::rule::Rule;
use crate::engine::variant::Variant;
use crate::error::Result;
use crate::kernels::targets;
use crate::shared::layout::{Layout, Scalar};
use crate::verify::Options;
use crate::verify::case::Case;
use crate::verify::compare::{differ, error, floor_of, floors, relative};
use crate::verify::draw::Draw;
use crate::verify::oracle::{Expect, Expected};
use crate::verify::report::{Errors, Failure, Row};

/// How one kernel is verified.
///
/// ```
/// use softq::engine::cpu::CpuExecutor;
/// use softq::kernels::join_heads::{KERNEL, Params};
/// use softq::verify::case::Case;
/// use softq::verify::draw::Draw;
/// use softq::verify::{Check, Options, checks};
///
/// /// Rows of 40 heads, wider than the table's own cases.
/// fn wide(draw: &mut Draw, _index: usize) -> Case {
///     let params = Params { rows: draw.int(1, 3), heads: 40 };
///     let mut case = Case::new(&KERNEL, None, params, "wide");
///     case.set("targets", &draw.values(40 * params.rows as usize));
///     case
/// }
///
/// let known = checks().iter().find(|check| check.name() == "join_heads").expect("in the table");
/// let check = Check::new(&KERNEL, wide, known.oracle);
/// let options = Options { cases: 4, ..Options::default() };
/// let row = pollster::block_on(check.run(&mut CpuExecutor::new(), &options))?;
/// assert!(row.passed && row.failures.is_empty());
/// assert!(row.oracle.is_some_and(|errors| errors.words > 4 * 40 && errors.share <= 1.0));
/// # Ok::<(), softq::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Check {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// The target rule of a kernel that imports one.
    pub rule: Option<&'static Rule>,
    /// Its cases: any number of them, the first 20 or so with chosen shapes.
    pub case: fn(&mut Draw, usize) -> Case,
    /// Its f64 reference.
    pub oracle: fn(&Case) -> Expected,
    /// Error allowed, in words.
    pub bound: &'static str,
    /// Where the bound comes from.
    pub source: &'static str,
}

impl Check {
    /// A check within twice the running error that WGSL's accuracy rules allow.
    pub const fn new(
        kernel: &'static Kernel,
        case: fn(&mut Draw, usize) -> Case,
        oracle: fn(&Case) -> Expected,
    ) -> Check {
        Check { kernel, rule: None, case, oracle, bound: "2 x running error", source: "WGSL rules" }
    }

    /// The same with another bound, in words; the reference holds it.
    pub const fn within(self, bound: &'static str) -> Check {
        Check { bound, ..self }
    }

    /// The same with a bound from elsewhere.
    pub const fn by(self, source: &'static str) -> Check {
        Check { source, ..self }
    }
}

/// Failures kept per kernel.
const MAX_FAILURES: usize = 3;

impl Check {
    /// The check itself, or with every target rule that its kernel takes if it imports one.
    pub fn with_rules(&self) -> Vec<Check> {
        if !self.kernel.uses_rule {
            return vec![*self];
        }
        let taken = targets::RULES.iter().copied().filter(|rule| self.kernel.takes(rule));
        taken.map(|rule| Check { rule: Some(rule), ..*self }).collect()
    }

    /// Name of its row: `adam`, or `backup+munchausen`.
    pub fn name(&self) -> String {
        Variant { kernel: self.kernel, env: None, rule: self.rule }.name()
    }

    /// Case `index` of a seed.
    pub fn draw(&self, seed: u64, index: usize) -> Case {
        (self.case)(&mut Draw::new(seed, &self.name(), self.rule, index), index)
    }

    /// Runs all cases on `executor`.
    pub async fn run(&self, executor: &mut dyn Executor, options: &Options) -> Result<Row> {
        let cases: Vec<usize> = match options.case {
            Some(case) => vec![case],
            None => (0..options.cases).collect(),
        };
        let is_twin = executor.address() == "cpu";
        let mut row = self.row(cases.len(), is_twin);
        for index in cases {
            let case = self.draw(options.seed, index);
            let got = run_case_later(executor, &case).await?;
            let twin = if is_twin { got.clone() } else { run_twin(&case) };
            let expected = (self.oracle)(&case);
            let failed =
                Comparing { row: &mut row, case: &case, index, options, address: executor.address() }
                    .all(&got, &twin, &expected);
            row.passed &= !failed;
        }
        Ok(row)
    }

    /// Whether `got`, the bindings after case `index`, agrees with the twin and with the reference.
    pub fn accepts(
        &self,
        case: &Case,
        index: usize,
        options: &Options,
        got: &[Vec<u32>],
        twin: &[Vec<u32>],
        expected: &Expected,
    ) -> bool {
        self.judge(case, index, options, got, twin, expected).passed
    }

    /// The same with what was found.
    pub fn judge(
        &self,
        case: &Case,
        index: usize,
        options: &Options,
        got: &[Vec<u32>],
        twin: &[Vec<u32>],
        expected: &Expected,
    ) -> Row {
        let mut row = self.row(1, false);
        let failed = Comparing { row: &mut row, case, index, options, address: "" }.all(got, twin, expected);
        row.passed = !failed;
        row
    }

    /// A row before the first case.
    fn row(&self, cases: usize, is_twin: bool) -> Row {
        Row {
            name: self.name(),
            file: Some(match (self.rule, self.kernel.name.strip_prefix("probe_")) {
                (Some(rule), _) => format!("shaders/targets/{}.wgsl", rule.name),
                (None, Some(probe)) => format!("src/verify/probes/{probe}.wgsl"),
                (None, None) => format!("shaders/{}.wgsl", self.kernel.name),
            }),
            cases,
            twin: (!is_twin).then(Errors::default),
            oracle: Some(Errors::default()),
            left_out: 0,
            bound: self.bound.into(),
            source: self.source.into(),
            passed: true,
            failures: Vec::new(),
            note: String::new(),
        }
    }
}

/// Contents of all bindings after the call on an executor that can wait; inputs are as before.
///
/// ```
/// use softq::engine::cpu::CpuExecutor;
/// use softq::kernels::join_heads::{KERNEL, Params};
/// use softq::verify::case::Case;
/// use softq::verify::check::{run_case, run_case_later, run_twin, run_twin_on};
///
/// let mut case = Case::new(&KERNEL, None, Params { rows: 1, heads: 2 }, "");
/// case.set("targets", &[1.0f32, 4.0]);
/// // The shader's text in the interpreter, and the twin in Rust.
/// let mut interpreter = CpuExecutor::interpreting();
/// let got = run_case(&mut interpreter, &case)?;
/// assert_eq!(got, run_twin(&case));
/// assert_eq!(got[0][..2], [2.5f32.to_bits(); 2]);
/// assert_eq!(got, pollster::block_on(run_case_later(&mut interpreter, &case))?);
/// // The mean of equal heads is what they hold already.
/// assert_eq!(got, run_twin_on(&case, got.clone()));
/// # Ok::<(), softq::Error>(())
/// ```
pub fn run_case(executor: &mut dyn Executor, case: &Case) -> Result<Vec<Vec<u32>>> {
    pollster::block_on(run_case_later(executor, case))
}

/// The same without keeping the thread.
pub async fn run_case_later(executor: &mut dyn Executor, case: &Case) -> Result<Vec<Vec<u32>>> {
    let (buffers, recording) = case.record()?;
    executor.allocate(&buffers)?;
    let bindings = &recording.dispatches[0].bindings;
    for (buffer, words) in bindings.iter().zip(&case.bindings) {
        executor.write(buffer.id, words)?;
    }
    let program = executor.prepare(&recording)?;
    executor.submit(&[(program, 1)], None)?;
    let mut contents = case.bindings.clone();
    for (index, _) in case.outputs() {
        contents[index] = read_later(executor, bindings[index].id).await?;
    }
    Ok(contents)
}

/// The same by the CPU twin.
pub fn run_twin(case: &Case) -> Vec<Vec<u32>> {
    run_twin_on(case, case.bindings.clone())
}

/// The same over other contents of the bindings.
pub fn run_twin_on(case: &Case, mut contents: Vec<Vec<u32>>) -> Vec<Vec<u32>> {
    (case.kernel.twin)(TwinCall {
        params: &case.params,
        bindings: contents.iter_mut().map(Vec::as_mut_slice).collect(),
        env: case.env,
        rule: case.rule,
    });
    contents
}

/// Whether a word keeps at least three digits under its bound. Where a sum cancels to less, relative and ULP errors say
/// nothing, and only the absolute one is reported.
fn has_digits(expect: &Expect) -> bool {
    match expect {
        Expect::Float(num) => expect.allowed() <= 1e-3 * num.value.abs(),
        _ => true,
    }
}

/// One case being compared.
struct Comparing<'a> {
    row: &'a mut Row,
    case: &'a Case,
    index: usize,
    options: &'a Options,
    address: &'a str,
}

impl Comparing<'_> {
    /// Compares all outputs; true if anything failed.
    fn all(&mut self, got: &[Vec<u32>], twin: &[Vec<u32>], expected: &Expected) -> bool {
        let mut failed = false;
        for (binding, name) in self.case.outputs() {
            let Some((_, expect)) = expected.iter().find(|(output, _)| *output == name) else {
                // An output without a reference must not pass for a verified one.
                self.fail("f64", binding, 0, "-".into(), "a reference for this output".into(), 0.0, 1);
                failed = true;
                continue;
            };
            failed |= self.against_twin(binding, &got[binding], &twin[binding], expect);
            failed |= self.against_oracle(binding, &got[binding], expect);
        }
        failed
    }

    /// Integers and untouched words bit by bit; floats within both sides' share of the bound, or bit by bit too where
    /// `exact` is asked for.
    fn against_twin(&mut self, binding: usize, got: &[u32], twin: &[u32], expect: &[Expect]) -> bool {
        let Some(mut errors) = self.row.twin else { return false };
        let scalars = self.case.scalars(binding);
        let floors = floors(twin, &scalars);
        let mut failing = 0;
        let mut worst = (0.0, 0, 0.0);
        for (i, ((got, twin), expect)) in got.iter().zip(twin).zip(expect).enumerate() {
            errors.words += 1;
            let field = i % scalars.len();
            // Untouched words are compared as bits: a NaN in place of the sentinel is a stray write.
            // Words of mixed kinds, as in a ring, are what is expected of them.
            let scalar = match expect {
                Expect::Bits(_) => Scalar::U32,
                Expect::Float(_) => Scalar::F32,
                Expect::Any => scalars[field],
            };
            if matches!(expect, Expect::Any) && !self.options.exact {
                continue;
            }
            let Some(size) = differ(*got, *twin, scalar, floors[field]) else { continue };
            let allowed = if self.options.exact { 0.0 } else { 2.0 * expect.allowed() };
            let share = if allowed > 0.0 { size.abs / allowed } else { f64::INFINITY };
            errors.differing += 1;
            errors.abs = errors.abs.max(size.abs);
            if has_digits(expect) {
                errors.rel = errors.rel.max(size.rel);
                errors.ulp = errors.ulp.max(size.ulp);
            }
            errors.share = errors.share.max(share);
            if share > 1.0 {
                failing += 1;
                if share > worst.0 || failing == 1 {
                    worst = (share, i, allowed);
                }
            }
        }
        self.row.twin = Some(errors);
        if failing > 0 {
            let (_, i, allowed) = worst;
            let show = |word: u32| self.show(binding, i, word);
            self.fail("twin", binding, i, show(got[i]), show(twin[i]), allowed, failing);
        }
        failing > 0
    }

    fn against_oracle(&mut self, binding: usize, got: &[u32], expect: &[Expect]) -> bool {
        let mut errors = self.row.oracle.unwrap_or_default();
        let fields = self.case.scalars(binding).len();
        let value = |expect: &Expect| match expect {
            Expect::Float(num) => num.value,
            _ => 0.0,
        };
        let floors: Vec<f64> =
            (0..fields).map(|field| floor_of(expect.iter().skip(field).step_by(fields).map(value))).collect();
        let mut failing = 0;
        let mut worst = (0.0, 0);
        for (i, (word, expect)) in got.iter().zip(expect).enumerate() {
            errors.words += 1;
            let share = match expect {
                Expect::Any => {
                    self.row.left_out += 1;
                    continue;
                }
                Expect::Bits(want) if word == want => continue,
                Expect::Bits(_) => f64::INFINITY,
                Expect::Float(num) => {
                    let abs = error(f32::from_bits(*word), num.value);
                    if abs == 0.0 {
                        continue;
                    }
                    errors.abs = errors.abs.max(abs);
                    if has_digits(expect) {
                        errors.rel = errors.rel.max(relative(abs, num.value, floors[i % fields]));
                    }
                    abs / expect.allowed()
                }
            };
            errors.differing += 1;
            errors.share = errors.share.max(share);
            // Not `share > 1`, which a NaN would pass.
            if !expect.allows(*word) {
                failing += 1;
                if share > worst.0 || failing == 1 {
                    worst = (share, i);
                }
            }
        }
        self.row.oracle = Some(errors);
        if failing > 0 {
            let i = worst.1;
            let want = match expect[i] {
                Expect::Float(num) => format!("{:e}", num.value),
                Expect::Bits(word) => self.show(binding, i, word),
                Expect::Any => "anything".into(),
            };
            let got = self.show(binding, i, got[i]);
            self.fail("f64", binding, i, got, want, expect[i].allowed(), failing);
        }
        failing > 0
    }

    /// A word as its type and as bits.
    fn show(&self, binding: usize, index: usize, word: u32) -> String {
        let scalars = self.case.scalars(binding);
        match scalars[index % scalars.len()] {
            Scalar::F32 => format!("{:e} ({word:#010x})", f32::from_bits(word)),
            Scalar::U32 => format!("{word} ({word:#010x})"),
        }
    }

    fn fail(
        &mut self,
        reference: &'static str,
        binding: usize,
        word: usize,
        got: String,
        want: String,
        allowed: f64,
        failing: usize,
    ) {
        if self.row.failures.len() >= MAX_FAILURES {
            return;
        }
        let declared = &self.case.kernel.bindings[binding];
        let words = self.case.scalars(binding).len();
        let field = match declared.element {
            Layout::Struct { fields, .. } => format!("{}.{}", declared.name, fields[word % words].name),
            Layout::EnvState | Layout::EnvParams => format!("{} word {}", declared.name, word % words),
            Layout::Scalar(_) => declared.name.to_owned(),
        };
        self.row.failures.push(Failure {
            reference,
            case: self.index,
            inputs: self.case.label.clone(),
            binding: field,
            index: word / words,
            got,
            want,
            allowed,
            failing,
            command: format!(
                "softq verify --device {} --only {} --seed {} --case {}",
                self.address, self.row.name, self.options.seed, self.index
            ),
        });
    }
}
