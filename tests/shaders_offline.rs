//! Every shader, without a GPU: reflected against the kernel table, valid under WebGPU core, and within the grammar of the
//! standard by a second parser. Their translations are `tests/translations.rs`.

use softq::engine::env::Env;
use softq::engine::kernel::Access;
use softq::engine::lexer::Tokens;
use softq::engine::variant::{self, Variant};
use softq::envs::operators;
use softq::kernels;
use softq::shared::layout::{Layout, Scalar};

/// Every kernel, composed with every environment where it uses one.
fn variants() -> Vec<Variant> {
    Variant::all(kernels::table(), softq::envs::registry(), softq::kernels::targets::RULES)
}

fn parse(name: &str, variant: &Variant) -> naga::Module {
    let source = variant.text().expect("imports resolve");
    // What passes here is WebGPU core.
    variant::parse(&source).unwrap_or_else(|error| panic!("{name}: {error}")).0
}

fn scalar_of(module: &naga::Module, ty: naga::Handle<naga::Type>) -> Option<Scalar> {
    match module.types[ty].inner {
        naga::TypeInner::Scalar(naga::Scalar::F32) => Some(Scalar::F32),
        naga::TypeInner::Scalar(naga::Scalar::U32) => Some(Scalar::U32),
        // Some kernels load four numbers at a time.
        naga::TypeInner::Vector { size: naga::VectorSize::Quad, scalar: naga::Scalar::F32 } => {
            Some(Scalar::F32)
        }
        _ => None,
    }
}

fn check_layout(
    name: &str,
    module: &naga::Module,
    ty: naga::Handle<naga::Type>,
    want: Layout,
    env: Option<&Env>,
) {
    match (want, &module.types[ty].inner) {
        (Layout::Scalar(scalar), _) => assert_eq!(scalar_of(module, ty), Some(scalar), "{name}"),
        (Layout::Struct { name: struct_name, size, fields }, naga::TypeInner::Struct { members, span }) => {
            assert_eq!(module.types[ty].name.as_deref(), Some(struct_name), "{name}");
            assert_eq!(*span, size, "{name}: size of {struct_name}");
            assert_eq!(members.len(), fields.len(), "{name}: fields of {struct_name}");
            for (member, field) in members.iter().zip(fields) {
                assert_eq!(member.name.as_deref(), Some(field.name), "{name}: {struct_name}");
                assert_eq!(member.offset, field.offset, "{name}: {struct_name}.{}", field.name);
                assert_eq!(scalar_of(module, member.ty), Some(field.scalar), "{name}: {}", field.name);
            }
        }
        (Layout::EnvState, naga::TypeInner::Struct { span, .. }) => {
            assert_eq!(*span, env.expect("an environment").state_words * 4, "{name}: State");
        }
        (Layout::EnvParams, naga::TypeInner::Struct { span, .. }) => {
            assert_eq!(*span, env.expect("an environment").param_words() * 4, "{name}: EnvParams");
        }
        (want, got) => panic!("{name}: declared {want:?}, the shader has {got:?}"),
    }
}

#[test]
fn every_shader_matches_its_declaration() {
    for variant in variants() {
        let (name, kernel, env) = (variant.name(), variant.kernel, variant.env);
        let module = parse(&name, &variant);
        let entry = &module.entry_points[0];
        assert_eq!(module.entry_points.len(), 1, "{name}");
        assert_eq!(entry.name, "main", "{name}");
        assert_eq!(entry.workgroup_size, [kernel.workgroup_size, 1, 1], "{name}");
        let mut bound: Vec<_> = module
            .global_variables
            .iter()
            .filter_map(|(_, variable)| {
                variable.binding.map(|binding| (binding.binding, binding.group, variable))
            })
            .collect();
        bound.sort_by_key(|(binding, _, _)| *binding);
        assert_eq!(bound.len(), kernel.bindings.len() + 1, "{name}: number of bindings");
        for (index, (binding, group, variable)) in bound.iter().enumerate() {
            assert_eq!((*binding as usize, *group), (index, 0), "{name}: bindings are numbered in order");
            if index == 0 {
                let read_only = naga::AddressSpace::Storage { access: naga::StorageAccess::LOAD };
                assert_eq!(variable.space, read_only, "{name}: params");
                check_layout(&name, &module, variable.ty, kernel.params, env);
                continue;
            }
            let declared = &kernel.bindings[index - 1];
            assert_eq!(variable.name.as_deref(), Some(declared.name), "{name}");
            let naga::AddressSpace::Storage { access } = variable.space else {
                panic!("{name}: '{}' is not a storage buffer", declared.name)
            };
            let writes = access.contains(naga::StorageAccess::STORE);
            assert_eq!(writes, declared.access == Access::ReadWrite, "{name}: access of '{}'", declared.name);
            let naga::TypeInner::Array { base, .. } = module.types[variable.ty].inner else {
                panic!("{name}: '{}' is not an array", declared.name)
            };
            check_layout(&format!("{name}.{}", declared.name), &module, base, declared.element, env);
        }
    }
}

#[test]
fn every_shader_stays_within_webgpu_core_limits() {
    for variant in variants() {
        let (name, kernel) = (variant.name(), variant.kernel);
        let module = parse(&name, &variant);
        assert!(kernel.bindings.len() < 8, "{name}: {} storage buffers and params", kernel.bindings.len());
        assert!(kernel.workgroup_size <= 256, "{name}");
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).expect("layouts");
        let shared: u32 = module
            .global_variables
            .iter()
            .filter(|(_, variable)| variable.space == naga::AddressSpace::WorkGroup)
            .map(|(_, variable)| layouter[variable.ty].size)
            .sum();
        assert!(shared <= 16_384, "{name}: {shared} bytes of workgroup memory");
    }
}

#[test]
fn every_shader_has_a_header_and_every_file_is_in_the_table() {
    for kernel in kernels::table() {
        let header: String = kernel.source.lines().take_while(|line| line.starts_with("//")).collect();
        for word in ["Grid:", "Determinism:"] {
            assert!(header.contains(word), "{}.wgsl: the header lacks '{word}'", kernel.name);
        }
    }
    let files = std::fs::read_dir("shaders").expect("shaders");
    for file in files.filter_map(|file| file.ok()).filter(|file| file.path().extension().is_some()) {
        let stem = file.path().file_stem().expect("stem").to_string_lossy().into_owned();
        assert!(kernels::table().iter().any(|kernel| kernel.name == stem), "{stem}.wgsl is in no table");
    }
}

/// Every operator with two operands of the standard's section "Operator precedence and associativity".
const OPERATORS: [&str; 18] =
    ["*", "/", "%", "+", "-", "<<", ">>", "<", ">", "<=", ">=", "==", "!=", "&", "^", "|", "&&", "||"];

/// Whether a parser that was written from the standard's grammar takes the text. The compiler that runs the shaders takes more
/// than browsers do.
fn in_the_grammar(text: &str) -> Result<(), String> {
    wgsl_parse::recognize_str(text).map_err(|error| error.to_string())
}

#[test]
fn every_shader_is_in_the_grammar_of_the_standard() {
    for variant in variants() {
        let text = variant.text().expect("imports resolve");
        in_the_grammar(&text).unwrap_or_else(|error| panic!("{}: {error}", variant.name()));
    }
    // The native compiler takes these; with parentheses browsers do as well.
    for (name, refused, taken) in [
        ("mixed_add_shift", "a + 1u >> 1u", "(a + 1u) >> 1u"),
        ("mixed_and_or", "a > 1u && f > 0.0 || a < 9u", "(a > 1u && f > 0.0) || a < 9u"),
        ("mixed_bit_and_or", "a & 3u | 4u", "(a & 3u) | 4u"),
        ("mixed_cmp_mix_or", "a == 1u || f == 0.0 && a == 2u", "a == 1u || (f == 0.0 && a == 2u)"),
    ] {
        let world = std::fs::read_to_string(format!("tests/data/worlds/{name}.wgsl")).expect("the world");
        assert!(world.contains(refused) && in_the_grammar(&world).is_err(), "{name}");
        assert_eq!(in_the_grammar(&world.replace(refused, taken)), Ok(()), "{name}");
    }
}

#[test]
fn the_check_of_operators_judges_as_the_grammar_does() {
    let judged = |expression: &str| {
        let text = format!("const x = {expression};");
        let (ours, grammar) = (operators::mixed(&Tokens::new(&text)), in_the_grammar(&text));
        assert_eq!(ours.is_empty(), grammar.is_ok(), "{expression}: {ours:?}, {grammar:?}");
        ours.is_empty()
    };
    let mut allowed = 0;
    for first in OPERATORS {
        assert!(judged(&format!("1 {first} 2")), "1 {first} 2");
        for second in OPERATORS {
            judged(&format!("1 {first} -2 {second} 3"));
            judged(&format!("(1 {first} 2) {second} 3"));
            for third in OPERATORS {
                allowed += usize::from(judged(&format!("1 {first} 2 {second} 3 {third} 4")));
            }
        }
    }
    assert!((1..OPERATORS.len().pow(3)).contains(&allowed), "{allowed}");
}
