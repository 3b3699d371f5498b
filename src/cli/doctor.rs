//! `softq doctor`: what this machine can train on, what stands in the way, and what to do about it.

use std::io::Write;

use serde::Serialize;
use softq::config::{Config, thousands};
use softq::engine::threads;
use softq::gpu::AdapterReport;
use softq::train::trainer::Trainer;
use softq::{Error, Result};

use super::engine::Engine;
use super::system::System;
use super::{json_line, say};

/// Arguments of `softq doctor`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit status: 0 if training runs on something here, else 3. `softq devices` lists all limits and features, \
                        `softq verify` checks every kernel on a device."
)]
pub struct DoctorArgs {
    /// Print one JSON line per finding
    #[arg(long)]
    pub json: bool,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    /// Something to know.
    Note,
    Problem,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Finding {
    about: &'static str,
    verdict: Verdict,
    text: String,
    /// What to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    advice: String,
}

impl Finding {
    fn new(about: &'static str, verdict: Verdict, text: String, advice: impl Into<String>) -> Finding {
        Finding { about, verdict, text, advice: advice.into() }
    }
}

/// Runs the command.
pub fn doctor(engine: &dyn Engine, args: &DoctorArgs, out: &mut dyn Write) -> Result<()> {
    report(engine, &System::here(), &train_a_little, args.json, out)
}

fn report(
    engine: &dyn Engine,
    system: &System,
    train: &dyn Fn(&str) -> Result<f64>,
    json: bool,
    out: &mut dyn Write,
) -> Result<()> {
    let adapters = engine.adapters();
    let mut findings = of_adapters(&adapters, system);
    let mut devices: Vec<String> = Vec::new();
    for (request, choice) in engine.choices(&adapters) {
        if let (true, Ok(choice)) = (["auto", "cpu"].contains(&request.as_str()), choice)
            && !devices.contains(&choice.address)
        {
            devices.push(choice.address);
        }
    }
    let mut works = None;
    let mut reasons = Vec::new();
    for device in &devices {
        findings.push(match train(device) {
            Ok(seconds) => {
                works = works.or(Some(device));
                let text = format!("{device} trained CartPole for a moment ({seconds:.1} s)");
                Finding::new("training", Verdict::Ok, text, "")
            }
            Err(error) => {
                reasons.push(error.to_string());
                let advice = "`softq verify --device` with it says which kernel is at fault; --device cpu needs no driver.";
                Finding::new("training", Verdict::Problem, format!("{device}: {error}"), advice)
            }
        });
    }
    findings.extend(of_system(system));
    let writable = system.unwritable.is_none();
    findings.push(Finding::new(
        "soft-Q trap",
        Verdict::Note,
        "with a large alpha, entropy pays more than the goal: agents stay alive and never finish".into(),
        "`softq train` warns where a setting is near it; docs/algorithms.md, section 3.",
    ));
    for finding in &findings {
        if json {
            json_line(out, finding)?;
        } else {
            say(out, &line(finding))?;
        }
    }
    let Some(device) = works else {
        return Err(Error::NoDevice {
            requested: "auto".into(),
            reason: format!("no device trains ({})", reasons.join("; ")),
            hint: "The lines above say what to do.".into(),
        });
    };
    if json {
        Ok(())
    } else {
        let elsewhere = if writable { "" } else { " --run-dir PATH, a path that can be written" };
        say(out, &format!("\ntraining runs here: softq train cartpole --device {device}{elsewhere}\n"))
    }
}

/// Drivers, and what of their limits matters.
fn of_adapters(adapters: &[AdapterReport], system: &System) -> Vec<Finding> {
    let mut findings = Vec::new();
    for adapter in adapters {
        let name =
            format!("{} {}, {} {}", adapter.address, adapter.name, adapter.driver, adapter.driver_info);
        let name = name.trim_end().to_owned();
        let hardware = ["DiscreteGpu", "IntegratedGpu", "VirtualGpu"].contains(&adapter.device_type.as_str());
        findings.push(match &adapter.unusable {
            Some(reason) => {
                Finding::new("driver", Verdict::Note, format!("{name}: cannot be used, {reason}"), "")
            }
            None if hardware => Finding::new("driver", Verdict::Ok, name, ""),
            None => Finding::new(
                "driver",
                Verdict::Note,
                format!("{name}: a software driver, which runs shaders on the CPU"),
                "Good for checks; agents train faster with --device cpu.",
            ),
        });
        if adapter.unusable.is_none() && is_mesa_software(adapter) {
            findings.push(Finding::new(
                "loop cap",
                Verdict::Note,
                "this driver ends an invocation after 65,535 loop iterations, without an error".into(),
                "softq refuses settings that would need more, with the numbers; nothing to do.",
            ));
        }
        findings.extend(adapter.limits.iter().filter(|_| adapter.unusable.is_none()).filter_map(|(limit, bytes)| {
            let small = limit == "max_storage_buffer_binding_size" && *bytes <= 128 << 20;
            small.then(|| {
                Finding::new(
                    "limits",
                    Verdict::Note,
                    format!("{}: a buffer has at most {} bytes", adapter.address, thousands(*bytes)),
                    "Large replays are refused by name: lower --buffer-size. Populations are split by themselves.",
                )
            })
        }));
    }
    let hardware = adapters.iter().any(|a| {
        a.unusable.is_none()
            && ["DiscreteGpu", "IntegratedGpu", "VirtualGpu"].contains(&a.device_type.as_str())
    });
    if !hardware {
        let text =
            if adapters.is_empty() { "no graphics driver was found" } else { "no hardware GPU was found" };
        findings.push(Finding::new("gpu", Verdict::Note, text.into(), system.install()));
    }
    findings
}

fn is_mesa_software(adapter: &AdapterReport) -> bool {
    let name = format!("{} {}", adapter.name, adapter.driver).to_lowercase();
    name.contains("llvmpipe") || name.contains("lavapipe")
}

/// What else decides whether and how fast training runs.
fn of_system(system: &System) -> Vec<Finding> {
    let mut findings = Vec::new();
    let text = format!("{}, {} threads for the CPU executor", system.name, threads::count());
    findings.push(Finding::new("system", Verdict::Ok, text, ""));
    for (variable, value) in &system.variables {
        findings.push(Finding::new(
            "environment",
            Verdict::Note,
            format!("{variable} = '{}' is set", value.escape_debug()),
            System::meaning(variable),
        ));
    }
    for path in &system.missing_drivers {
        findings.push(Finding::new(
            "environment",
            Verdict::Problem,
            format!("the Vulkan driver file {} does not exist", path.display()),
            "Correct VK_DRIVER_FILES or VK_ICD_FILENAMES, or unset it: other drivers are not looked for.",
        ));
    }
    findings.push(match &system.unwritable {
        None => Finding::new("files", Verdict::Ok, "this directory takes the files of runs".into(), ""),
        Some(why) => Finding::new(
            "files",
            Verdict::Problem,
            format!("this directory takes no files: {why}"),
            "Train elsewhere, or give --run-dir a path that can be written.",
        ),
    });
    findings
}

/// A moment of training on `device`, with two updates at least; how long it took.
fn train_a_little(device: &str) -> Result<f64> {
    let config = Config {
        device: device.into(),
        total_timesteps: 64,
        learning_starts: 32,
        num_envs: 4,
        batch_size: 8,
        buffer_size: 64,
        hidden: vec![8],
        eval_frequency: 0,
        eval_episodes: 1,
        log_frequency: 64,
        ..Config::default()
    };
    let start = std::time::Instant::now();
    Trainer::new(&config)?.run(&mut |_| Ok(()))?;
    Ok(start.elapsed().as_secs_f64())
}

fn line(finding: &Finding) -> String {
    let verdict = match finding.verdict {
        Verdict::Ok => "ok",
        Verdict::Note => "note",
        Verdict::Problem => "PROBLEM",
    };
    let mut text = format!("{verdict:<8} {:<12} {}\n", finding.about, finding.text);
    if !finding.advice.is_empty() {
        text += &format!("{:21} {}\n", "", finding.advice);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::cli::engine::fake::FakeEngine;

    fn system() -> System {
        System {
            name: "Debian".into(),
            family: vec!["debian".into()],
            nvidia: false,
            variables: Vec::new(),
            missing_drivers: Vec::new(),
            unwritable: None,
        }
    }

    fn told(system: &System, train: &dyn Fn(&str) -> Result<f64>, json: bool) -> (String, Result<()>) {
        let mut out = Vec::new();
        let outcome = report(&FakeEngine, system, train, json, &mut out);
        (String::from_utf8(out).expect("text"), outcome)
    }

    fn refuses(device: &str) -> Result<f64> {
        Err(Error::DeviceLost { message: format!("{device} is gone") })
    }

    #[test]
    fn a_machine_that_trains_is_told_with_its_traps() {
        let (text, outcome) = told(&system(), &|_| Ok(0.25), false);
        outcome.expect("training runs");
        for part in [
            "note     driver       vulkan:0 Tester, fake 1.0: a software driver",
            "gl:0 Tester, fake 1.0: cannot be used, no compute shaders",
            "note     gpu          no hardware GPU was found",
            "apt-get install mesa-vulkan-drivers",
            "ok       training     vulkan:0 trained CartPole for a moment (0.2 s)",
            "soft-Q trap",
            "training runs here: softq train cartpole --device vulkan:0",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
        let (text, _) = told(&system(), &|_| Ok(0.25), true);
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert!(lines.iter().any(|line| line["about"] == "training" && line["verdict"] == "ok"));
    }

    #[test]
    fn what_stands_in_the_way_is_named_and_nothing_that_trains_is_a_failure() {
        let sick = System {
            variables: vec![("WGPU_BACKEND", "metl\n".into())],
            missing_drivers: vec![PathBuf::from("/nowhere/icd.json")],
            unwritable: Some("read-only file system".into()),
            ..system()
        };
        let (text, outcome) = told(&sick, &refuses, false);
        let error = outcome.expect_err("nothing trains");
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains("vulkan:0 is gone"), "{error}");
        for part in [
            "PROBLEM  training     vulkan:0: the device was lost",
            "WGPU_BACKEND = 'metl\\n' is set",
            "/nowhere/icd.json does not exist",
            "this directory takes no files: read-only file system",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
        // One device that does is enough.
        let (text, outcome) =
            told(&system(), &|device| if device == "cpu" { Ok(0.1) } else { refuses(device) }, false);
        outcome.expect("the CPU trains");
        assert!(text.contains("PROBLEM  training     vulkan:0") && text.contains("--device cpu\n"), "{text}");
    }

    #[test]
    fn the_cpu_executor_trains_a_little() {
        assert!(train_a_little("cpu").expect("trains") < 60.0);
        assert_eq!(train_a_little("gl:99").expect_err("no such device").exit_code(), 3);
    }

    #[test]
    fn mesas_software_driver_is_known_by_its_loop_cap() {
        let adapter =
            AdapterReport { name: "llvmpipe (LLVM 15)".into(), ..FakeEngine.adapters().swap_remove(0) };
        let limits = vec![("max_storage_buffer_binding_size".to_owned(), 128 << 20)];
        let findings = of_adapters(&[AdapterReport { limits, ..adapter }], &system());
        let about: Vec<&str> = findings.iter().map(|finding| finding.about).collect();
        assert_eq!(about, ["driver", "loop cap", "limits", "gpu"]);
        assert!(findings[1].text.contains("65,535") && findings[2].text.contains("134,217,728"));
    }
}
