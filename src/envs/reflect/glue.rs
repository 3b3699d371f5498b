//! Declarations that kernels use, derived from an environment file.

use crate::engine::env::ActionSpace;
use crate::envs::rescale::Rescale;

/// The optional functions of a file.
pub(super) struct Functions {
    /// `observe_at`, one element at a time, instead of `observe`.
    pub(super) observe_at: bool,
    /// `draw`.
    pub(super) draw: bool,
}

/// Declarations that kernels use, derived from the file.
pub(super) fn glue(
    actions: &ActionSpace,
    functions: &Functions,
    rescale: Option<&Rescale>,
    has_params: bool,
    limit: Option<u32>,
    (max_loop_iterations, counted): (u32, bool),
    obs_bits: u32,
) -> String {
    let words = actions.words();
    let mut text = String::from("// Derived from the constants of the file.\n");
    if !has_params {
        text += "struct EnvParams {\n    none: u32,\n}\n";
    }
    text += "var<private> env: EnvParams;\n";
    if limit.is_none() {
        text += "const MAX_EPISODE_STEPS = 4294967295u;\n";
    }
    // `see` takes the observation of a state, `seen_at` reads it: element by element from the state, so that no shader
    // carries a long array around, or from the array that `observe` returned.
    let (take, read) = if functions.observe_at {
        text += "var<private> seen_state: State;\n";
        ("seen_state = state", "observe_at(seen_state, index)")
    } else {
        text += "var<private> seen: array<f32, OBS_SIZE>;\n";
        ("seen = observe(state)", "seen[index]")
    };
    let read = if rescale.is_some() { format!("rescaled({read}, index)") } else { read.to_owned() };
    text += &rescale.map(Rescale::glue).unwrap_or_default();
    text += &format!(
        "fn see(state: State) {{\n    {take};\n}}\nfn seen_at(index: u32) -> f32 {{\n    return {read};\n}}\n"
    );
    text += &format!("const STORED_OBS_BITS = {obs_bits}u;\n");
    text += &format!("const ACTION_WORDS = {words}u;\nconst ACTION_OUTPUTS = {}u;\n", actions.outputs());
    let indexed = |f: &dyn Fn(usize) -> String| (0..words).map(f).collect::<Vec<_>>().join(", ");
    let (action, random, heads) = match actions {
        ActionSpace::Discrete(_) => (
            "action[0]".to_owned(),
            "uniform_choice(rng_uniform(rng), NUM_ACTIONS)".to_owned(),
            Some("NUM_ACTIONS".to_owned()),
        ),
        ActionSpace::MultiDiscrete(_) => (
            "action".to_owned(),
            indexed(&|i| format!("uniform_choice(rng_uniform(rng), ACTION_DIMS[{i}])")),
            Some(indexed(&|i| format!("ACTION_DIMS[{i}]"))),
        ),
        ActionSpace::Box { .. } => (
            format!("array<f32, ACTION_WORDS>({})", indexed(&|i| format!("bitcast<f32>(action[{i}])"))),
            indexed(&|i| format!("bitcast<u32>(rng_range(rng, ACTION_LOW[{i}], ACTION_HIGH[{i}]))")),
            None,
        ),
    };
    if let ActionSpace::Box { low, high } = actions {
        // Low, high, scale and bias of each dimension, to the bit of the numbers that twins use.
        let range = |(i, [scale, bias]): (usize, [f32; 2])| {
            format!("vec4f({:?}, {:?}, {scale:?}, {bias:?})", low[i], high[i])
        };
        let ranges: Vec<String> = actions.scales().into_iter().enumerate().map(range).collect();
        text += &format!("const ACTION_RANGES = array<vec4f, ACTION_WORDS>({});\n", ranges.join(", "));
    }
    if let Some(heads) = heads {
        text += &format!("const HEAD_SIZES = array<u32, ACTION_WORDS>({heads});\n");
    }
    text += &format!(
        "fn uniform_choice(u: f32, actions: u32) -> u32 {{\n    return min(u32(u * f32(actions)), actions - 1u);\n}}\n\
         fn random_action(rng: ptr<function, Rng>) -> array<u32, ACTION_WORDS> {{\n    return array<u32, ACTION_WORDS>({random});\n}}\n\
         fn take_step(state: ptr<function, State>, action: array<u32, ACTION_WORDS>, rng: ptr<function, Rng>) -> Outcome {{\n\
         \x20   return step(state, {action}, rng);\n}}\n"
    );
    // The engine's own loops are not counted, and a store in every step is not for nothing.
    let anew = if counted && max_loop_iterations > 0 { " env_loops = 0u; " } else { "" };
    text += &format!("fn count_loops_anew() {{{anew}}}\n");
    text + &format!(
        "var<private> env_loops: u32;\nvar<private> env_loop_line: u32;\n\
         // Whether the loop on this line has used up the iterations of the file.\n\
         fn env_loop(line: u32) -> bool {{\n    if (env_loops >= {max_loop_iterations}u) {{\n        env_loop_line = line;\n        return true;\n    }}\n\
         \x20   env_loops += 1u;\n    return false;\n}}\n"
    )
}
