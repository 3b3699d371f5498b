//! Textual composition of shaders: `// import: rng` pastes `shaders/shared/rng.wgsl` once, `// import: env` pastes the
//! environment file. The import is a comment, so every file stays plain WGSL for editors.

use crate::engine::env::Env;
use crate::engine::kernel::Kernel;
use crate::error::{Error, Result};

/// Files that any shader may import.
pub const SHARED: &[(&str, &str)] = &[
    ("math", include_str!("../../shaders/shared/math.wgsl")),
    ("rng", include_str!("../../shaders/shared/rng.wgsl")),
    ("agent", include_str!("../../shaders/shared/agent.wgsl")),
    ("policy", include_str!("../../shaders/shared/policy.wgsl")),
];

/// WGSL text of a kernel with all imports resolved.
pub fn compose(kernel: &Kernel, env: Option<&Env>) -> Result<String> {
    let mut text = String::new();
    let mut done = Vec::new();
    expand(kernel.name, kernel.source, env, &mut done, &mut text)?;
    Ok(text)
}

fn expand(
    file: &str,
    source: &str,
    env: Option<&Env>,
    done: &mut Vec<String>,
    text: &mut String,
) -> Result<()> {
    for line in source.lines() {
        let Some(import) = line.strip_prefix("// import: ") else {
            text.push_str(line);
            text.push('\n');
            continue;
        };
        let import = import.trim();
        if done.iter().any(|name| name == import) {
            continue;
        }
        done.push(import.to_owned());
        let found = match import {
            "env" => env.map(|env| env.source),
            name => SHARED.iter().find(|(shared, _)| *shared == name).map(|(_, source)| *source),
        };
        let Some(found) = found else {
            return Err(Error::Shader { shader: file.into(), message: format!("cannot import '{import}'") });
        };
        expand(import, found, env, done, text)?;
    }
    Ok(())
}
