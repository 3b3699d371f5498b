//! Textual composition of shaders: `// import: rng` pastes `shaders/shared/rng.wgsl` once, `// import: env` pastes the
//! environment file and what the engine derives from it, `// import: rule` the target rule, `// record: Agent` the struct that
//! Rust declares. These are comments, so every file stays plain WGSL for editors.

use crate::engine::env::Env;
use crate::engine::kernel::Kernel;
use crate::engine::lexer::Tokens;
use crate::engine::rule::Rule;
use crate::error::{Error, Result};
use crate::shared::agent::Agent;
use crate::shared::layout::{GpuType, Layout};
use crate::shared::optimizer::Optimizer;

/// Files that any shader may import.
pub const SHARED: &[(&str, &str)] = &[
    ("math", include_str!("../../shaders/shared/math.wgsl")),
    ("rng", include_str!("../../shaders/shared/rng.wgsl")),
    ("rng_word", include_str!("../../shaders/shared/rng_word.wgsl")),
    ("rng_given", include_str!("../../shaders/shared/rng_given.wgsl")),
    ("act_lane", include_str!("../../shaders/shared/act_lane.wgsl")),
    ("agent", include_str!("../../shaders/shared/agent.wgsl")),
    ("head_temperature", include_str!("../../shaders/shared/head_temperature.wgsl")),
    ("optimizer", include_str!("../../shaders/shared/optimizer.wgsl")),
    ("transition", include_str!("../../shaders/shared/transition.wgsl")),
    ("transition_end", include_str!("../../shaders/shared/transition_end.wgsl")),
    ("choose", include_str!("../../shaders/shared/choose.wgsl")),
    ("joined", include_str!("../../shaders/shared/joined.wgsl")),
    ("lambda_return", include_str!("../../shaders/shared/lambda_return.wgsl")),
    ("lane_step", include_str!("../../shaders/shared/lane_step.wgsl")),
    ("particles", include_str!("../../shaders/shared/particles.wgsl")),
    ("permutation", include_str!("../../shaders/shared/permutation.wgsl")),
    ("policy", include_str!("../../shaders/shared/policy.wgsl")),
    ("sum_tree", include_str!("../../shaders/shared/sum_tree.wgsl")),
    ("target", include_str!("../../shaders/shared/target.wgsl")),
    ("tanh_gaussian", include_str!("../../shaders/shared/tanh_gaussian.wgsl")),
    ("tabular", include_str!("../../shaders/shared/tabular.wgsl")),
    ("outcome", include_str!("../../shaders/shared/outcome.wgsl")),
    ("draw", include_str!("../../shaders/shared/draw.wgsl")),
    ("angle", include_str!("../../shaders/shared/angle.wgsl")),
    ("valley", include_str!("../../shaders/shared/valley.wgsl")),
    ("pendulum", include_str!("../../shaders/shared/pendulum.wgsl")),
    ("grid", include_str!("../../shaders/shared/grid.wgsl")),
    ("minatar", include_str!("../../shaders/shared/minatar.wgsl")),
    ("normal", include_str!("../../shaders/shared/normal.wgsl")),
    ("fused", include_str!("../../shaders/shared/fused.wgsl")),
    ("tile", include_str!("../../shaders/shared/tile.wgsl")),
    ("conv2d", include_str!("../../shaders/shared/conv2d.wgsl")),
];

/// Shared files that an environment file may use without importing them.
const PROVIDED: &[&str] = &["math", "rng", "outcome", "draw"];

/// Structs that `// record: NAME` pastes, written from their declaration in Rust.
const RECORDS: &[Layout] = &[Agent::LAYOUT, Optimizer::LAYOUT];

/// A composed shader.
pub struct Composed {
    /// Complete WGSL.
    pub text: String,
    /// Number, from 0, of the text's line that holds line 1 of the environment file.
    pub env_line: usize,
    /// The files that it is made of, and for each line one of them and the line there; 0 for what the engine wrote.
    files: Vec<String>,
    origins: Vec<(usize, u32)>,
}

impl Composed {
    /// The file and line that line `line` of the text, from 1, comes from.
    pub fn origin(&self, line: u32) -> Option<(&str, u32)> {
        let (file, line) = *self.origins.get((line as usize).checked_sub(1)?)?;
        (line > 0).then(|| (self.files[file].as_str(), line))
    }
}

/// WGSL text of a kernel with all imports resolved.
///
/// ```
/// use softq::engine::compose::{Composed, compose};
/// use softq::kernels::act_step;
///
/// let env = softq::envs::find("cartpole")?;
/// let composed: Composed = compose(&act_step::KERNEL, Some(env), None)?;
/// assert!(composed.text.contains("fn main("));
/// // Every line knows its file, so that messages of a compiler can name it.
/// assert_eq!(composed.origin(1), Some(("shaders/act_step.wgsl", 1)));
/// assert_eq!(composed.origin(composed.env_line as u32 + 1), Some((env.file.as_str(), 1)));
/// // This kernel is none without an environment.
/// assert!(compose(&act_step::KERNEL, None, None).is_err());
/// # Ok::<(), softq::Error>(())
/// ```
pub fn compose(kernel: &Kernel, env: Option<&Env>, rule: Option<&Rule>) -> Result<Composed> {
    let mut composer = Composer { env, rule, ..Composer::default() };
    let folder = if kernel.name.starts_with("probe_") { "src/verify/probes" } else { "shaders" };
    let file = kernel.name.trim_start_matches("probe_");
    composer.expand(format!("{folder}/{file}.wgsl"), kernel.source)?;
    let Composer { env_line, text, files, origins, .. } = composer;
    Ok(Composed { text, env_line, files, origins })
}

/// An environment file with what it may use, and nothing else: the text from which its sizes are read. The file comes
/// first, so line numbers are its own.
///
/// ```
/// use softq::engine::compose::compose_alone;
/// use softq::engine::variant::parse;
///
/// let source = "fn coin(rng: ptr<function, Rng>) -> bool { return rng_uniform(rng) < 0.5; }";
/// assert!(parse(source).is_err());
/// let text = compose_alone(source)?;
/// assert!(text.starts_with(source) && parse(&text).is_ok());
/// # Ok::<(), softq::Error>(())
/// ```
pub fn compose_alone(source: &str) -> Result<String> {
    let mut composer = Composer::default();
    composer.environment("environment", source)?;
    // Kernels say themselves where random words come from.
    composer.import("environment", "rng_word")?;
    Ok(composer.text)
}

#[derive(Default)]
struct Composer<'a> {
    env: Option<&'a Env>,
    rule: Option<&'a Rule>,
    env_line: usize,
    done: Vec<String>,
    text: String,
    files: Vec<String>,
    origins: Vec<(usize, u32)>,
}

impl Composer<'_> {
    /// A line of the engine's own.
    fn line(&mut self, line: &str) {
        self.line_of(0, 0, line);
    }

    /// Text from line `number` of a file, or of the engine's own if that is 0.
    fn line_of(&mut self, file: usize, number: u32, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
        for index in 0..text.matches('\n').count() as u32 + 1 {
            self.origins.push((file, if number == 0 { 0 } else { number + index }));
        }
    }

    fn expand(&mut self, file: String, source: &str) -> Result<()> {
        self.files.push(file.clone());
        let number = self.files.len() - 1;
        for (index, line) in source.lines().enumerate() {
            // A text that already holds a shared file, perhaps a changed one, says so.
            if let Some(name) = line.strip_prefix("// included: ") {
                self.done.push(name.trim().to_owned());
            }
            if let Some(name) = line.strip_prefix("// record: ") {
                self.record(&file, name.trim())?;
                continue;
            }
            match line.strip_prefix("// import: ").map(str::trim) {
                None => self.line_of(number, index as u32 + 1, line),
                Some("env") if self.env.is_some() => {
                    if let Some(env) = self.env {
                        self.env_line = self.text.lines().count();
                        self.environment(&env.file, &env.source)?;
                        self.line(&env.glue);
                    }
                }
                Some("rule") if self.rule.is_some() => {
                    if let Some(rule) = self.rule {
                        self.expand(format!("shaders/targets/{}.wgsl", rule.name), rule.source)?;
                    }
                }
                Some(name) => self.import(&file, name)?,
            }
        }
        Ok(())
    }

    /// The file as it is, then its imports: declarations of WGSL may come in any order.
    fn environment(&mut self, file: &str, source: &str) -> Result<()> {
        let tokens = Tokens::new(source);
        let mut text = source.to_owned();
        let mut names = Vec::new();
        for comment in tokens.comments.iter().filter(|comment| comment.alone) {
            if let Some(name) = tokens.words(comment).strip_prefix("import:") {
                names.push(name.trim());
                // A composed text is complete: composing it once more changes nothing. The length stays for places of errors.
                let said = source[comment.range.clone()].replacen("import:", "imports", 1);
                text.replace_range(comment.range.clone(), &said);
            }
        }
        self.files.push(file.to_owned());
        self.line_of(self.files.len() - 1, 1, &text);
        for name in PROVIDED {
            self.import("environment", name)?;
        }
        for name in names {
            self.import("environment", name)?;
        }
        Ok(())
    }

    fn record(&mut self, file: &str, wanted: &str) -> Result<()> {
        for record in RECORDS {
            let Layout::Struct { name, fields, .. } = record else { continue };
            if *name == wanted {
                self.line(&format!("struct {name} {{"));
                for field in *fields {
                    self.line(&format!("    {}: {},", field.name, field.scalar.word()));
                }
                self.line("}");
                return Ok(());
            }
        }
        Err(Error::Shader { shader: file.into(), message: format!("cannot write the record '{wanted}'") })
    }

    fn import(&mut self, file: &str, name: &str) -> Result<()> {
        if self.done.iter().any(|done| done == name) {
            return Ok(());
        }
        self.done.push(name.to_owned());
        match SHARED.iter().find(|(shared, _)| *shared == name) {
            Some((_, source)) => self.expand(format!("shaders/shared/{name}.wgsl"), source),
            None => Err(Error::Shader { shader: file.into(), message: format!("cannot import '{name}'") }),
        }
    }
}
