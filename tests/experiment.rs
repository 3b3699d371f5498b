//! Experiments from outside: killed and gone on with, they end with the same scores; their pictures; their refusals.

#[path = "common/program.rs"]
mod program;

use std::fs;
use std::io::BufReader;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use program::{printed_in, refused_in, softq_in};

const FILE: &str = "environments = ['catch', 'cartpole']
algorithms = ['sqn', 'dqn']
seeds = 3
[settings]
hidden = [8]
total_timesteps = 1500
learning_starts = 64
eval_frequency = 300
eval_episodes = 4
eval_max_steps = 50
";

#[test]
fn a_killed_experiment_goes_on_to_the_same_scores_and_is_drawn() {
    let root = tempfile::tempdir().expect("temporary directory");
    let folder = root.path();
    fs::write(folder.join("small.toml"), FILE).expect("write");
    let whole = ["experiment", "small.toml", "--device", "cpu"];
    let said = printed_in(folder, &whole);
    assert!(said.contains("Catch-bsuite, sqn: ") && said.contains("softq plot experiments/small"), "{said}");
    let scores = fs::read(folder.join("experiments/small/scores.csv")).expect("scores");
    let text = String::from_utf8(scores.clone()).expect("text");
    assert_eq!(text.lines().next(), Some("algorithm,environment,seed,step,return"));
    // Two environments, two algorithms, three seeds, five evaluations each.
    assert_eq!(text.lines().count(), 1 + 2 * 2 * 3 * 5, "{text}");

    let torn = ["experiment", "small.toml", "--device", "cpu", "--out", "torn"];
    // As if it had been killed in its first write.
    fs::create_dir(folder.join("torn")).expect("folder");
    fs::write(folder.join("torn/.experiment.toml.tmp"), "envi").expect("write");
    let mut kills = 0;
    for moment in (0..).map(|i| 15 + 35 * (i % 7)) {
        let mut child = softq_in(folder, &torn).stderr(Stdio::null()).spawn().expect("start softq");
        std::thread::sleep(Duration::from_millis(moment));
        child.kill().expect("kill");
        child.wait().expect("wait");
        kills += 1;
        if kills == 10 {
            break;
        }
    }
    printed_in(folder, &torn);
    assert!(fs::read(folder.join("torn/scores.csv")).expect("scores") == scores, "the same bytes");
    // Everything is done: nothing runs, nothing changes.
    printed_in(folder, &torn);
    assert!(fs::read(folder.join("torn/scores.csv")).expect("scores") == scores, "the same bytes");

    for kind in ["curves", "aggregate", "profiles", "improvement"] {
        let said = printed_in(folder, &["plot", "torn", "--kind", kind]);
        assert!(said.contains(&format!("torn/{kind}.svg")), "{said}");
        let svg = fs::read_to_string(folder.join(format!("torn/{kind}.svg"))).expect("picture");
        assert!(svg.starts_with("<svg") && svg.contains("dqn") && !svg.contains("NaN"), "{kind}");
        let png = format!("{kind}.png");
        printed_in(folder, &["plot", "torn", "--kind", kind, "--out", &png]);
        let size = shown_size(&svg);
        assert_eq!(png_size(&folder.join(&png)), size.map(|side| 2 * side), "{kind}");
    }
    let panels = ["plot", "torn", "--panels", "return,alpha,entropy", "--out", "panels.svg"];
    printed_in(folder, &panels);
    let svg = fs::read_to_string(folder.join("panels.svg")).expect("picture");
    assert_eq!(shown_size(&svg), [3 * 800, 2 * 480], "three panels for each of two environments");
    let count = |text: &str| svg.matches(&format!("\n{text}\n</text>")).count();
    for axis in ["episode return", "temperature alpha", "entropy of the policy, nats"] {
        assert_eq!(count(axis), 2, "{axis}");
    }
    // What acts by the best value has no temperature.
    assert_eq!((count("sqn (3 seeds)"), count("dqn (3 seeds)")), (6, 2));
    let runs = ["experiments/small/runs/Catch-bsuite__sqn", "experiments/small/runs/Catch-bsuite__dqn"];
    let of_runs =
        printed_in(folder, &["plot", runs[0], runs[1], "--statistic", "median", "--out", "runs.svg"]);
    assert_eq!(of_runs, "runs.svg\n");
    printed_in(folder, &["plot", runs[0], "--panels", "entropy", "--out", "entropy.svg"]);
    let svg = fs::read_to_string(folder.join("entropy.svg")).expect("picture");
    assert!(svg.contains("Catch-bsuite: entropy, interquartile mean") && svg.contains("sqn (3 seeds)"));
    let returns_alone = ["plot", "torn/scores.csv", "--panels", "alpha"];
    refused_in(folder, &returns_alone, 6, &["scores.csv", "returns alone", "--panels"]);

    fs::write(folder.join("small.toml"), FILE.replace("1500", "1600")).expect("write");
    refused_in(folder, &torn, 6, &["torn", "another experiment", "--out"]);
}

#[test]
fn runs_of_other_settings_are_lines_of_their_own_and_none_counts_twice() {
    let root = tempfile::tempdir().expect("temporary directory");
    let folder = root.path();
    let train = |dir: &str, steps: &str, more: &[&str]| {
        let settings = "train acrobot --device cpu --eval-max-steps 20 --eval-frequency 200 --eval-episodes 2 --hidden 8 \
                        --learning-starts 64 --stop-when-solved false";
        let all: Vec<&str> = settings.split_whitespace().chain(more.iter().copied()).collect();
        printed_in(folder, &[&all[..], &["--run-dir", dir, "--total-timesteps", steps]].concat());
    };
    train("slow", "600", &["--learning-rate", "1e-4"]);
    train("fast", "600", &["--learning-rate", "1e-2", "--seed", "1"]);
    train("both", "600", &["--sweep", "lr=1e-4,1e-2", "--seed", "2"]);
    let plot = ["plot", "slow", "fast", "both", "--out", "runs.svg"];
    assert_eq!(printed_in(folder, &plot), "runs.svg\n");
    let svg = fs::read_to_string(folder.join("runs.svg")).expect("picture");
    for line in ["sqn; learning_rate=0.0001 (2 seeds)", "sqn; learning_rate=0.01 (2 seeds)", "threshold -80"]
    {
        assert!(svg.contains(line), "{line}: {svg}");
    }
    printed_in(folder, &["plot", "slow", "--out", "one.svg"]);
    let svg = fs::read_to_string(folder.join("one.svg")).expect("picture");
    assert!(svg.contains("sqn (1 seed)"), "{svg}");
    refused_in(
        folder,
        &["plot", "slow", "fast", "slow"],
        2,
        &["seed 0 of sqn; learning_rate=0.0001", "slow"],
    );
    // Schedules that span the run are others where runs are longer.
    let spanning = ["--temperature", "schedule", "--seed"];
    train("spanning", "400", &[&spanning[..], &["4"]].concat());
    train("spanning_more", "600", &[&spanning[..], &["5"]].concat());
    printed_in(folder, &["plot", "spanning", "spanning_more", "--out", "spans.svg"]);
    let svg = fs::read_to_string(folder.join("spans.svg")).expect("picture");
    assert!(svg.contains("alpha_decay_steps=400 (1 seed)"), "{svg}");
    // A run that ends before another.
    train("short", "200", &["--learning-rate", "1e-2", "--seed", "3"]);
    let said = printed_in(folder, &["plot", "fast", "short", "--out", "two.svg"]);
    assert!(said.contains("sqn: behind 200 steps fewer than all 2 seeds, 1 at the end"), "{said}");
}

#[test]
fn one_world_is_one_panel_wherever_its_file_lies_and_two_are_not() {
    let root = tempfile::tempdir().expect("temporary directory");
    let folder = root.path();
    let world = include_str!("data/worlds/n_pack1.wgsl");
    fs::create_dir(folder.join("other")).expect("folder");
    fs::write(folder.join("w.wgsl"), world).expect("write");
    fs::write(folder.join("other/w.wgsl"), world.replace("Outcome(-0.1", "Outcome(-5.0")).expect("write");
    let train = |env: &str, seed: &str| {
        let settings = "--device cpu --hidden 8 --learning-starts 64 --total-timesteps 400 --eval-frequency 200 --eval-episodes 2";
        let all: Vec<&str> = ["train", env].into_iter().chain(settings.split_whitespace()).collect();
        printed_in(folder, &[&all[..], &["--seed", seed, "--run-dir", &format!("run{seed}")]].concat());
    };
    train("w.wgsl", "0");
    train(folder.join("w.wgsl").to_str().expect("path"), "1");
    train("other/w.wgsl", "2");
    printed_in(folder, &["plot", "run0", "run1", "--out", "w.svg"]);
    let svg = fs::read_to_string(folder.join("w.svg")).expect("picture");
    assert!(svg.contains("sqn (2 seeds)"), "{svg}");
    refused_in(folder, &["plot", "run0", "run2"], 2, &["w in run2", "the same file as that of run0"]);
}

/// A population of an experiment that was trained on by itself is not what the file asks for.
#[test]
fn a_population_of_another_length_is_refused() {
    let root = tempfile::tempdir().expect("temporary directory");
    let folder = root.path();
    let file = FILE.replace("['catch', 'cartpole']", "['catch']").replace("'sqn', 'dqn'", "'sqn'");
    fs::write(folder.join("one.toml"), file).expect("write");
    let line = ["experiment", "one.toml", "--device", "cpu"];
    printed_in(folder, &line);
    let run = folder.join("experiments/one/runs/Catch-bsuite__sqn");
    let dir = run.to_str().expect("path");
    printed_in(
        folder,
        &["train", "--resume", dir, "--total-timesteps", "100000", "--device", "cpu", "--quiet"],
    );
    fs::remove_file(folder.join("experiments/one/done/Catch-bsuite__sqn.csv"))
        .expect("as where it was stopped");
    refused_in(folder, &line, 6, &["total_timesteps = 100000 where the experiment has", "Catch-bsuite__sqn"]);
}

/// Width and height that an SVG asks for.
fn shown_size(svg: &str) -> [u32; 2] {
    ["width", "height"].map(|side| {
        let (_, rest) = svg.split_once(&format!("{side}=\"")).expect(side);
        rest.split_once('"').expect(side).0.parse().expect(side)
    })
}

/// Width and height of a PNG that can be read to its end and is not of one colour.
fn png_size(path: &Path) -> [u32; 2] {
    let file = BufReader::new(fs::File::open(path).expect("picture"));
    let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("pixels");
    assert!(pixels.chunks(4).any(|pixel| pixel != &pixels[..4]), "{}", path.display());
    [info.width, info.height]
}

#[test]
fn a_dry_run_says_what_it_would_cost_and_leaves_nothing() {
    let root = tempfile::tempdir().expect("temporary directory");
    fs::write(root.path().join("small.toml"), FILE).expect("write");
    let said = printed_in(root.path(), &["experiment", "small.toml", "--device", "cpu", "--dry-run"]);
    assert!(said.contains("Catch-bsuite, dqn: 3 x 1,500, "), "{said}");
    assert!(said.contains("12 runs, 18,000 environment steps, about "), "{said}");
    assert_eq!(fs::read_dir(root.path()).expect("list").count(), 1);
}

#[test]
fn a_population_that_diverges_has_no_scores_and_the_others_do() {
    let root = tempfile::tempdir().expect("temporary directory");
    let folder = root.path();
    let file = FILE.replace("['catch', 'cartpole']", "['catch']").replace("'sqn', 'dqn'", "'sqn'");
    let variants =
        "[[variants]]\nname = 'boom'\nsettings = { reward_scale = 1e38 }\n[[variants]]\nname = 'calm'\n";
    fs::write(folder.join("two.toml"), format!("{file}{variants}")).expect("write");
    let again = ["experiment", "two.toml", "--device", "cpu"];
    // The second time nothing is left to run.
    for _ in 0..2 {
        let said = printed_in(folder, &again);
        assert!(said.contains("calm") && !said.contains("boom"), "{said}");
        let scores = fs::read_to_string(folder.join("experiments/two/scores.csv")).expect("scores");
        assert_eq!(scores.lines().count(), 1 + 3 * 5, "{scores}");
    }
}

#[test]
fn a_world_that_changes_on_the_way_is_refused() {
    let root = tempfile::tempdir().expect("temporary directory");
    let folder = root.path();
    let world = include_str!("data/worlds/n_pack1.wgsl");
    fs::write(folder.join("w.wgsl"), world).expect("write");
    let file = FILE.replace("['catch', 'cartpole']", "['w.wgsl']").replace("'sqn', 'dqn'", "'sqn'");
    fs::write(folder.join("own.toml"), format!("{file}huber_delta = 5\n")).expect("write");
    let line = ["experiment", "own.toml", "--device", "cpu"];
    let output = softq_in(folder, &line).output().expect("run softq");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("sqn in w: huber_delta has no effect"), "{told}");
    fs::write(folder.join("w.wgsl"), world.replace("Outcome(-0.1", "Outcome(-5.0")).expect("edit");
    refused_in(
        folder,
        &line,
        6,
        &["w.wgsl", "has changed since this experiment was begun", "environment.wgsl"],
    );
}

#[test]
fn a_population_that_cannot_be_trained_is_named_and_the_others_are_trained() {
    let root = tempfile::tempdir().expect("temporary directory");
    let folder = root.path();
    fs::copy("tests/data/level.wgsl", folder.join("level.wgsl")).expect("copy");
    let text = FILE.replace("'catch', 'cartpole'", "'level.wgsl'").replace("['sqn', 'dqn']", "['sqn']")
        + "[[variants]]\nname = 'broken'\nsettings = { env_param = ['level=-1'] }\n[[variants]]\nname = 'whole'\n\
           settings = { env_param = ['level=2'] }\n";
    fs::write(folder.join("mixed.toml"), text).expect("write");
    for _ in 0..2 {
        let parts = ["sqn; broken in", "cannot be trained", "level.wgsl"];
        refused_in(folder, &["experiment", "mixed.toml", "--device", "cpu"], 2, &parts);
        let scores = fs::read_to_string(folder.join("experiments/mixed/scores.csv")).expect("scores");
        assert!(scores.contains("sqn; whole") && !scores.contains("broken"), "{scores}");
    }
}

#[test]
fn what_cannot_be_run_or_drawn_is_refused() {
    let root = tempfile::tempdir().expect("temporary directory");
    let folder = root.path();
    refused_in(folder, &["experiment", "nowhere.toml"], 2, &["nowhere.toml", "cannot be read"]);
    fs::write(folder.join("wrong.toml"), FILE.replace("sqn", "sqm")).expect("write");
    refused_in(folder, &["experiment", "wrong.toml"], 2, &["wrong.toml", "sqm in catch", "'sqn'"]);
    fs::write(folder.join("right.toml"), FILE).expect("write");
    refused_in(folder, &["experiment", "right.toml", "--out", "."], 6, &["not empty", "--out"]);
    refused_in(folder, &["plot", "nowhere"], 6, &["nowhere", "no run directory"]);
    fs::write(
        folder.join("scores.csv"),
        "algorithm,environment,seed,step,return\nsqn,Catch-bsuite,0,100,1\n",
    )
    .expect("write");
    refused_in(folder, &["plot", "scores.csv", "--out", "a.jpg"], 2, &["a.jpg", ".svg or .png"]);
    refused_in(folder, &["plot", "scores.csv", "--kind", "improvement"], 2, &["at least two"]);
    // A score that is left out would change its line without a word.
    fs::write(
        folder.join("diverged.csv"),
        "algorithm,environment,seed,step,return\nsqn,Catch-bsuite,0,100,1\nsqn,Catch-bsuite,1,100,NaN\n",
    )
    .expect("write");
    refused_in(folder, &["plot", "diverged.csv"], 6, &["diverged.csv", "line 3: NaN is not finite"]);
    let uneven = "sqn,Catch-bsuite,0,100,1\ndqn,Catch-bsuite,0,100,0\ndqn,Catch-bsuite,1,100,1\ndqn,DeepSea,0,100,1\ndqn,DeepSea,1,100,0\n";
    fs::write(folder.join("uneven.csv"), format!("algorithm,environment,seed,step,return\n{uneven}"))
        .expect("write");
    refused_in(folder, &["plot", "uneven.csv", "--kind", "aggregate"], 2, &["sqn", "every environment"]);
    // Runs that all fail are not all perfect.
    let header = "algorithm,environment,seed,step,return\n";
    fs::write(folder.join("alike.csv"), format!("{header}a,E,0,1,-5\nb,E,0,1,-5\n")).expect("write");
    refused_in(folder, &["plot", "alike.csv", "--kind", "aggregate"], 2, &["the same of every run"]);
    // A run that ended sooner counts with its own end.
    let ends = "a,E,0,100,500\na,E,1,100,0\na,E,1,200,50\nb,E,0,200,200\nb,E,1,200,300\n";
    fs::write(folder.join("ends.csv"), format!("{header}{ends}")).expect("write");
    let said = printed_in(folder, &["plot", "ends.csv", "--kind", "improvement"]);
    assert!(said.contains("b: 0.500 [") && said.contains("E, a: 1 of 2 runs end before step 200"), "{said}");
    fs::write(folder.join("twice.csv"), format!("{header}a,E,0,1,-5\na,E,0,1,-4\n")).expect("write");
    refused_in(folder, &["plot", "twice.csv"], 2, &["two of seed 0 of a in E at step 1"]);
    fs::write(folder.join("none.csv"), header).expect("write");
    refused_in(folder, &["plot", "none.csv"], 2, &["scores = none"]);
    fs::write(folder.join("broken.csv"), "algorithm,environment,seed,step,return\nsqn,1\n").expect("write");
    refused_in(folder, &["plot", "broken.csv"], 6, &["broken.csv", "line 2"]);
}
