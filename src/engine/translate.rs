//! WGSL into the languages of drivers: what Vulkan, Metal, Direct3D 12 and OpenGL are given, made without any of them.
//!
//! The one place that calls naga's writers, for the tests, for `softq kernels` and for whoever wants a kernel's text. Some
//! writers panic where they should refuse, which ends as an error that names the kernel and the language. They run on a thread of
//! their own, with a stack that lasts.

use std::thread;

use naga::back::{glsl, hlsl, msl, spv};
use naga::valid::ModuleInfo;

use crate::engine::guard;
use crate::engine::variant::parse;
use crate::error::{Error, Result};

/// Deeply nested code makes writers recurse.
const STACK: usize = 16 << 20;

/// A language in which a kernel can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// The composed text itself.
    Wgsl,
    /// Vulkan: a binary module.
    Spirv,
    /// Metal.
    Msl,
    /// Direct3D 12.
    Hlsl,
    /// OpenGL ES 3.1.
    Glsl,
}

impl Language {
    /// All languages; WGSL first, then those of drivers.
    pub const ALL: [Language; 5] =
        [Language::Wgsl, Language::Spirv, Language::Msl, Language::Hlsl, Language::Glsl];

    /// Name in flags and messages.
    pub fn name(self) -> &'static str {
        match self {
            Language::Wgsl => "wgsl",
            Language::Spirv => "spirv",
            Language::Msl => "msl",
            Language::Hlsl => "hlsl",
            Language::Glsl => "glsl",
        }
    }

    /// Name in sentences.
    pub fn title(self) -> &'static str {
        match self {
            Language::Wgsl => "WGSL",
            Language::Spirv => "SPIR-V",
            Language::Msl => "MSL",
            Language::Hlsl => "HLSL",
            Language::Glsl => "GLSL",
        }
    }

    /// Ending of a file's name, as the language's own tools expect it.
    pub fn extension(self) -> &'static str {
        match self {
            Language::Wgsl => "wgsl",
            Language::Spirv => "spv",
            Language::Msl => "metal",
            Language::Hlsl => "hlsl",
            Language::Glsl => "comp",
        }
    }
}

/// `wgsl` in `language`: text, or the little-endian words of a SPIR-V module. `kernel` names it in errors.
///
/// ```
/// use softq::engine::translate::{Language, translate};
/// use softq::engine::compose::compose;
/// use softq::kernels::adam;
///
/// let wgsl = compose(&adam::KERNEL, None, None)?.text;
/// let msl = translate("adam", &wgsl, Language::Msl)?;
/// assert!(String::from_utf8_lossy(&msl).contains("kernel void"));
/// # Ok::<(), softq::Error>(())
/// ```
pub fn translate(kernel: &str, wgsl: &str, language: Language) -> Result<Vec<u8>> {
    if language == Language::Wgsl {
        return Ok(wgsl.as_bytes().to_vec());
    }
    guarded(kernel, language, || {
        let (module, info) = parse(wgsl)?;
        match language {
            Language::Wgsl => Ok(wgsl.as_bytes().to_vec()),
            Language::Spirv => spirv(&module, &info),
            Language::Msl => metal(&module, &info),
            Language::Hlsl => direct3d(&module, &info),
            Language::Glsl => opengl(&module, &info),
        }
    })
}

/// Runs a writer where its panic cannot reach the caller.
fn guarded(
    kernel: &str,
    language: Language,
    write: impl FnOnce() -> std::result::Result<Vec<u8>, String> + Send,
) -> Result<Vec<u8>> {
    let failed = |message: String| Error::Shader {
        shader: kernel.into(),
        message: format!("cannot be written as {}: {message}", language.title()),
    };
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("softq-translate".into()).stack_size(STACK);
        let writer = builder
            .spawn_scoped(scope, || guard::guarded(write))
            .map_err(|error| failed(error.to_string()))?;
        match writer.join() {
            Ok(Ok(written)) => written.map_err(failed),
            Ok(Err(panic)) => Err(failed(format!("its writer gave up ({panic})"))),
            Err(_) => Err(failed("its writer gave up".into())),
        }
    })
}

fn spirv(module: &naga::Module, info: &ModuleInfo) -> std::result::Result<Vec<u8>, String> {
    let words = spv::write_vec(module, info, &spv::Options::default(), None).map_err(|e| e.to_string())?;
    Ok(words.iter().flat_map(|word| word.to_le_bytes()).collect())
}

fn metal(module: &naga::Module, info: &ModuleInfo) -> std::result::Result<Vec<u8>, String> {
    // The oldest of which every Metal device takes a newer one; the writer's own default has no functions of bits.
    let options = msl::Options { lang_version: (2, 0), fake_missing_bindings: true, ..Default::default() };
    let (text, _) =
        msl::write_string(module, info, &options, &Default::default()).map_err(|e| e.to_string())?;
    Ok(text.into_bytes())
}

fn direct3d(module: &naga::Module, info: &ModuleInfo) -> std::result::Result<Vec<u8>, String> {
    let mut text = String::new();
    let options = hlsl::Options { fake_missing_bindings: true, ..Default::default() };
    hlsl::Writer::new(&mut text, &options, &Default::default())
        .write(module, info, None)
        .map_err(|e| e.to_string())?;
    Ok(text.into_bytes())
}

fn opengl(module: &naga::Module, info: &ModuleInfo) -> std::result::Result<Vec<u8>, String> {
    let mut text = String::new();
    let options = glsl::Options {
        version: glsl::Version::Embedded { version: 310, is_webgl: false },
        ..Default::default()
    };
    let pipeline = glsl::PipelineOptions {
        shader_stage: naga::ShaderStage::Compute,
        entry_point: "main".into(),
        multiview: None,
    };
    let policies = naga::proc::BoundsCheckPolicies::default();
    glsl::Writer::new(&mut text, module, info, &options, &pipeline, policies)
        .and_then(|mut writer| writer.write().map(drop))
        .map_err(|e| e.to_string())?;
    Ok(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_writer_is_an_error_that_names_kernel_and_language() {
        let error = guarded("adam", Language::Msl, || panic!("index 7 out of range")).expect_err("guarded");
        let text = error.to_string();
        for part in ["adam", "MSL", "its writer gave up (index 7 out of range)"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn wrong_wgsl_is_refused_with_the_compilers_words() {
        let error = translate("adam", "fn main( {", Language::Glsl).expect_err("refused").to_string();
        assert!(error.contains("adam") && error.contains("GLSL"), "{error}");
    }
}
