//! Users' files as they really are: every line break of WGSL, comments and spaces anywhere, Unicode names, parameters of every
//! type, code that the compiler below would panic at. Read by the library alone, without a device.

use std::collections::BTreeMap;
use std::path::Path;

use softq::Result;
use softq::engine::compose::compose;
use softq::engine::env::{Env, ParamValue};
use softq::engine::lexer::Tokens;
use softq::engine::translate::{Language, translate};
use softq::engine::variant::Variant;
use softq::envs::{self, kernels_with, operators};

const WORLD: &str = include_str!("data/worlds/n_pack1.wgsl");

fn case(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/worlds/{name}.wgsl"));
    std::fs::read_to_string(path).expect(name)
}

fn open(source: &str, values: &[(&str, &str)]) -> Result<&'static Env> {
    let values: BTreeMap<String, String> =
        values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    envs::from_source("world.wgsl", source, &values)
}

fn refused(source: &str, values: &[(&str, &str)], parts: &[&str]) {
    let error = open(source, values).map(|env| env.id.clone()).expect_err("refused").to_string();
    for part in parts {
        assert!(error.contains(part), "'{part}' is missing: {error}");
    }
}

/// Every kernel of the world in the language of every driver.
fn translates(env: &'static Env) {
    for kernel in kernels_with(env) {
        let text = compose(kernel, Some(env), None).expect("composed").text;
        for language in [Language::Spirv, Language::Msl, Language::Hlsl, Language::Glsl] {
            translate(kernel.name, &text, language).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

#[test]
fn every_line_break_of_the_language_ends_a_line() {
    assert_eq!(open(&case("cr_only"), &[]).expect("read").obs_size, 1);
    for line_break in ["\n", "\r", "\r\n", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"] {
        let text =
            WORLD.replace("fn f(x: u32)", "// param: drag\n// of air\nconst DRAG = 2.0;\nfn f(x: u32)");
        let text = text.replace('\n', line_break);
        let env = open(&text, &[("drag", "3")]).expect("read");
        assert_eq!(
            (env.const_params[0].about.as_str(), env.const_params[0].value.as_str()),
            ("drag of air", "3.0")
        );
        refused(&text.replace("select(-0.1", "selekt(-0.1"), &[], &["world.wgsl:7: "]);
    }
}

#[test]
fn parameters_are_found_wherever_they_stand() {
    assert!(open(&case("envparams_comment"), &[]).expect("read").params.is_empty());
    for name in ["envparams_spaces", "envparams_upper"] {
        for given in ["wind", "Wind", "WIND"] {
            let env = open(&case(name), &[(given, "1.5")]).expect("read");
            assert_eq!(env.params[0].value, ParamValue::Fixed(1.5), "{name}: {given}");
        }
    }
    let source = case("envparams_spaces");
    for (declared, params) in [
        ("struct\tEnvParams{wind:f32}", 1),
        ("struct/* { */EnvParams /* /* } */ */ { /* no: f32, */ wind /* : u32 */ : f32 }", 1),
        ("struct\nEnvParams\n{\n// none: u32,\nwind\n:\nf32,\n}", 1),
        ("struct EnvParams2 { wind: f32, } struct EnvParams { @align(4) wind: f32, }", 1),
    ] {
        let env = open(&source.replace("struct  EnvParams { wind: f32, }", declared), &[("wind", "2")]);
        assert_eq!(env.unwrap_or_else(|error| panic!("{declared}: {error}")).params.len(), params);
    }
    let twice = source.replace("{ wind: f32, }", "{ wind: f32, Wind: f32, }").replace("(0.5)", "(0.5, 1.0)");
    assert_eq!(open(&twice, &[("Wind", "2")]).expect("as written").params[1].value, ParamValue::Fixed(2.0));
    refused(&twice, &[("WIND", "2")], &["env_params.WIND", "wind or Wind"]);
}

#[test]
fn compile_time_parameters_keep_their_type() {
    for (declared, use_as, value, written) in [
        ("const DRAG = 1e-3;", "f32", "5", "5.0"),
        ("const DRAG = 5f;", "f32", "0.25", "0.25f"),
        ("const DRAG = 1e2f;", "f32", "-7", "-7.0f"),
        ("const DRAG = 0x1.8p3;", "f32", "2", "2.0"),
        ("const DRAG: f32 = 5;", "f32", "2.5", "2.5"),
        ("const DRAG = (1.5 * 2.0);", "f32", "4", "4.0"),
        ("const DRAG = -(3i);", "i32", "-4", "i32(-4)"),
        ("const DRAG = 0xFFu;", "u32", "4294967295", "4294967295u"),
        ("const DRAG = 0x10;", "i32", "-5", "-5"),
        ("const DRAG: u32 = 0x10;", "u32", "7", "7"),
        ("const DRAG = u32(3);", "u32", "7", "7u"),
        ("const /* c */ DRAG /* = 4u; */ = /* 5u; */ 6u // 7u;\n;", "u32", "8", "8u"),
        ("const DRAG = i32(3);", "i32", "-2147483648", "i32(-2147483648)"),
    ] {
        let source = format!("{WORLD}\n// param: drag\n{declared}\nfn d() -> {use_as} {{ return DRAG; }}\n");
        let env = open(&source, &[("drag", value)]).unwrap_or_else(|error| panic!("{declared}: {error}"));
        assert_eq!(env.const_params[0].value, written, "{declared}");
    }
    for name in ["param_exp", "param_fsuffix"] {
        open(&case(name), &[("drag", "0.5")]).expect(name);
    }
    let source = format!("{WORLD}\n// param: drag\nconst DRAG = 6u;\n");
    for value in ["-1", "4294967296", "1.5", "1e3", "", "x", "nan"] {
        refused(&source, &[("drag", value)], &["env_params.drag", "a whole number from 0 to 4294967295"]);
    }
    let source = format!("{WORLD}\n// param: drag\nconst DRAG = 6.0;\n");
    for value in ["inf", "nan", "1e39", "1e-50", "1e-40", "x"] {
        refused(&source, &[("drag", value)], &["env_params.drag", value]);
    }
}

#[test]
fn ranges_are_held_by_value_and_default() {
    let source = format!("{WORLD}\n// param: drag\n// range: above 0 to 1\nconst DRAG = 0.5;\n");
    assert_eq!(
        open(&source, &[("drag", "1")]).expect("in range").const_params[0].about,
        "drag; above 0 to 1"
    );
    refused(&source, &[("drag", "1.5")], &["env_params.drag = 1.5", "above 0 to 1"]);
    refused(
        &source.replace("= 0.5", "= 2.0"),
        &[],
        &["world.wgsl:15: DRAG: 2 is not allowed", "above 0 to 1"],
    );
    refused(&source.replace("above 0 to", "between 0 and"), &[], &["world.wgsl:15: ", "is no range"]);
    for (name, param, value, range) in [
        ("cartpole", "length", "0", "above 0"),
        ("frozenlake", "success_rate", "1.5", "from 0 to 1"),
        ("frozenlake", "success_rate", "uniform(0.5,2)", "from 0 to 1"),
        ("taxi", "rainy_probability", "-0.1", "from 0 to 1"),
        ("catch", "rows", "1", "from 2 to 64"),
        ("cartpole", "masscart", "1e-50", "from 1.2e-38"),
    ] {
        let error = envs::open(name, &[(param.to_owned(), value.to_owned())].into())
            .expect_err("refused")
            .to_string();
        assert!(
            error.to_lowercase().contains(&format!("env_params.{param}")) && error.contains(range),
            "{error}"
        );
    }
    let error = envs::open("frozenlake", &[("map".to_owned(), "S".repeat(70) + "G")].into())
        .expect_err("too wide")
        .to_string();
    assert!(error.contains("MAP_COLUMNS = 71u"), "{error}");
}

#[test]
fn what_the_language_allows_is_accepted() {
    for name in ["n_pack1", "w_unicode_nfc", "w_loop_return", "p_local_member", "p_nested_struct"] {
        translates(open(&case(name), &[]).unwrap_or_else(|error| panic!("{name}: {error}")));
    }
    for code in [
        "fn bump(x: ptr<function, f32>) { *x += 1.0; } fn g() -> f32 { var a = array<f32, 4>(); let i = u32(a[0]); bump(&a[i]); return a[1]; }",
        "struct In { v: array<f32, 3>, } fn bump(x: ptr<function, f32>) -> f32 { *x += 1.0; return *x; }\
         fn g(o: ptr<function, In>) -> f32 { if (bump(&(*o).v[1]) > 2.0) { return bump(&(*o).v[0]) + bump(&(*o).v[2]); } return 0.0; }",
        "const MAX_LOOP_ITERATIONS = 9u; fn g(n: u32) -> array<f32, 2> { if (n > 1u) { loop { return array<f32, 2>(); } } else { return array<f32, 2>(1.0, 2.0); } }",
        "fn g(n: u32) -> u32 { switch n { case 1u { return 1u; } default { return 2u; } } }",
        "fn g(x: vec4f) -> u32 { return pack4x8unorm(x) + pack4x8snorm(x) + pack2x16float(x.xy) + u32(unpack2x16float(7u).x); }",
    ] {
        translates(open(&format!("{WORLD}{code}\n"), &[]).unwrap_or_else(|error| panic!("{code}: {error}")));
    }
}

#[test]
fn refusals_speak_of_the_file_and_not_of_the_compiler() {
    for (code, parts) in [
        (
            "fn g(n: u32) -> u32 { if (n > 1u) { return 1u; } }",
            ["`g` may end without returning a value", "world.wgsl:12: "],
        ),
        (
            "fn g(n: u32) -> u32 { switch n { case 1u { break; } default { return 2u; } } }",
            ["`g` may end", ":12: "],
        ),
        ("fn g(n: u32) -> u32 {\nreturn;\n}", ["`g` may end", ":13: "]),
        (
            "const_assert NUM_ACTIONS\n > 2u;",
            ["`const_assert NUM_ACTIONS > 2u` does not hold for NUM_ACTIONS = 2u", ":12: "],
        ),
        (
            "fn g() { var big = array<f32, 2049>(); big[0] = 1.0; }",
            ["the variables of `g` take 8196 bytes", ":12: "],
        ),
        ("fn g() -> f32 { let big = array<f32, 100000000>(); return big[7]; }", ["400000000 bytes", ":12: "]),
    ] {
        refused(&format!("{WORLD}{code}\n"), &[], &parts);
    }
    refused(&case("n_hugeused"), &[], &["world.wgsl:7: ", "400000000 bytes"]);
    for members in
        ["x: f32, b: array<f32, 256>,", "x: f32, b: array<f32, 1000>,", "x: f32, b: array<f32, 16384>,"]
    {
        refused(
            &WORLD.replace("x: f32,", members).replace("State(rng_range(rng, -1.0, 0.0))", "State()"),
            &[],
            &["at most 256 are allowed", "world.wgsl:4: "],
        );
    }
    for (end, parts) in [
        ("fn g() {\n  let a = (1u +", [":13: ", "the file ends before this `(` is closed"]),
        ("fn g() {\n", [":12: ", "the file ends before this `{` is closed"]),
        (
            "fn g() -> array<f32, 2> { return array<f32, 2>(1.0); }",
            [":12: ", "a constructor needs 2 values, but has 1"],
        ),
        (
            "fn g(a: u32) -> u32 {\n  var b = a;\n  if (b > 1u) {\n    b = 2u;\n    if (b && a > 2u) { b = 1u; }\n  }\n  return b;\n}",
            [":16: ", "the operands of `&&` do not fit each other: the left one is u32"],
        ),
        (
            "fn g(s: State) -> f32 {\n  let c = 2.0;\n  return (c * s)\n / (1.5 - c);\n}",
            [":14: ", "the types of an expression do not fit each other"],
        ),
        ("const A", [":12: ", "the file ends too early, behind `A`"]),
        ("fn g() -> u32 { loop { } return 1u; }", [":12: ", "this loop never ends"]),
        ("fn g() -> u32 { loop { } }", [":12: ", "this loop never ends"]),
        ("fn g() -> u32 { return 1u; return; }", [":12: ", "`g` may end without returning a value"]),
    ] {
        refused(&format!("{WORLD}{end}"), &[], &parts);
    }
}

#[test]
fn what_only_browsers_refuse_is_named_with_its_line() {
    for name in ["mixed_add_shift", "mixed_and_or", "mixed_bit_and_or", "mixed_cmp_mix_or"] {
        let source = case(name);
        let found = operators::mixed(&Tokens::new(&source));
        assert_eq!(found.iter().map(|place| place.line).collect::<Vec<_>>(), [9], "{name}");
    }
    for env in envs::registry() {
        for kernel in kernels_with(env) {
            let text = compose(kernel, Some(env), None).expect("composed").text;
            assert_eq!(operators::mixed(&Tokens::new(&text)), [], "{} with {}", kernel.name, env.id);
        }
    }
    let alone = Variant::all(softq::kernels::table(), &[], softq::kernels::targets::RULES);
    for variant in alone {
        let text = variant.text().expect("composed");
        assert_eq!(operators::mixed(&Tokens::new(&text)), [], "{}", variant.name());
    }
}

#[test]
fn comments_are_shown_without_what_steers_a_terminal() {
    let env = open(&case("escape_comment"), &[]).expect("read");
    assert_eq!(env.params[0].about, "gra\\u{1b}]0;pwn\\u{7}\\u{1b}[31mvity");
}

/// Elements of an observation are executed many at once where functions do not call each other too deeply, else one by one.
#[test]
fn an_observation_by_element_is_the_same_however_deep_its_calls_are() {
    let link = |n: u32| {
        format!(
            "fn g{n}(x: u32) -> f32 {{ if (x % 2u == 0u) {{ return g{0}(x); }} return g{0}(x) + 1.0; }}\n",
            n - 1
        )
    };
    for depth in [1, 3, 20] {
        let source = format!(
            "const OBS_SIZE = 150u;
             const NUM_ACTIONS = 2u;
             const MAX_EPISODE_STEPS = 10u;
             struct State {{ shift: u32 }}
             fn reset(rng: ptr<function, Rng>) -> State {{ return State(3u); }}
             fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {{
                 (*state).shift += action;
                 return Outcome(1.0, false);
             }}
             fn g0(x: u32) -> f32 {{ return f32(x); }}
             {}
             fn observe_at(state: State, index: u32) -> f32 {{
                 if (index > 70u) {{ return -g{depth}(index + state.shift); }}
                 return g{depth}(index + state.shift);
             }}",
            (1..=depth).map(link).collect::<String>()
        );
        let env = open(&source, &[]).expect("accepted");
        let mut seen = vec![f32::NAN; 150];
        env.twin().observe(&env.lane_params(0, 1), &[3], &mut seen);
        for (index, value) in seen.iter().enumerate() {
            let x = index as u32 + 3;
            let expected = x as f32 + if x.is_multiple_of(2) { 0.0 } else { depth as f32 };
            assert_eq!(*value, if index > 70 { -expected } else { expected }, "{depth}: {index}");
        }
    }
}
