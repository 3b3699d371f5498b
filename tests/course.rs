//! The loop of a run in single steps: it may be interrupted between any two of them, and it never waits for the device.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use softq::agents;
use softq::config::Config;
use softq::engine::cpu::CpuExecutor;
use softq::engine::executor::{Executor, Program};
use softq::engine::recording::{BufferId, Buffers, Recording};
use softq::train::course::Course;
use softq::train::event::{Event, Progress, Report};
use softq::train::trainer::Trainer;
use softq::{Result, envs, gpu};

/// A run with windows and evaluations that end at odd places.
fn small() -> Config {
    Config {
        device: "cpu".into(),
        total_timesteps: 1_400,
        num_envs: 3,
        train_frequency: 2,
        learning_starts: 250,
        gradient_steps: 1,
        batch_size: 17,
        buffer_size: 700,
        hidden: vec![12],
        log_frequency: 170,
        eval_frequency: 300,
        eval_episodes: 4,
        ..Config::default()
    }
}

/// What a device far away does: snapshots arrive some looks later. Counts every call that waits.
struct Distant {
    near: CpuExecutor,
    away: VecDeque<(u32, Vec<u32>)>,
    waits: Rc<RefCell<u32>>,
}

impl Executor for Distant {
    fn address(&self) -> &str {
        "cpu"
    }
    fn max_buffer_bytes(&self) -> u64 {
        self.near.max_buffer_bytes()
    }
    fn allocate(&mut self, buffers: &Buffers) -> Result<()> {
        self.near.allocate(buffers)
    }
    fn write_at(&mut self, buffer: BufferId, first: u64, words: &[u32]) -> Result<()> {
        self.near.write_at(buffer, first, words)
    }
    fn read(&mut self, buffer: BufferId) -> Result<Vec<u32>> {
        *self.waits.borrow_mut() += 1;
        self.near.read(buffer)
    }
    fn prepare(&mut self, recording: &Recording) -> Result<Program> {
        self.near.prepare(recording)
    }
    fn submit(&mut self, programs: &[(Program, u32)], snapshot: Option<BufferId>) -> Result<()> {
        self.near.submit(programs, snapshot)?;
        self.away.extend(self.near.collect()?.into_iter().map(|words| (3, words)));
        Ok(())
    }
    fn collect(&mut self) -> Result<Vec<Vec<u32>>> {
        self.away.iter_mut().for_each(|(looks, _)| *looks = looks.saturating_sub(1));
        let here = self.away.iter().take_while(|(looks, _)| *looks == 0).count();
        Ok(self.away.drain(..here).map(|(_, words)| words).collect())
    }
    fn wait(&mut self) -> Result<()> {
        *self.waits.borrow_mut() += 1;
        self.away.iter_mut().for_each(|(looks, _)| *looks = 0);
        Ok(())
    }
    fn uploaded_bytes(&self) -> u64 {
        0
    }
}

fn trainer(config: &Config, executor: Box<dyn Executor>) -> Trainer {
    let env = envs::open(&config.env, &config.env_values().expect("values")).expect("environment");
    let plan = agents::plan(config, env).expect("plan");
    Trainer::with_executor(config, env, plan, gpu::choose("cpu").expect("choice"), executor).expect("trainer")
}

/// All events, without the time they took, and the final weights. `between` is called before every step.
fn run(mut trainer: Trainer, mut between: impl FnMut(&mut Trainer)) -> (Vec<Event>, Vec<u32>) {
    let mut events = Vec::new();
    while !trainer.course().finished() {
        between(&mut trainer);
        for event in trainer.advance().expect("a step") {
            events.push(match event {
                Event::Progress(progress) => Event::Progress(Progress { wall_s: 0.0, ..progress }),
                Event::AgentsProgress(agents) => {
                    let timeless = |progress| Progress { wall_s: 0.0, ..progress };
                    Event::AgentsProgress(agents.into_iter().map(timeless).collect())
                }
                Event::Finished(mut report) => {
                    report.wall_s = 0.0;
                    Event::Finished(report)
                }
                other => other,
            });
        }
    }
    (events, trainer.read_buffer("weights").expect("weights"))
}

fn configs() -> [Config; 2] {
    [small(), Config { agents: 3, sweep: vec!["learning_rate=0.001,0.0003".into()], ..small() }]
}

#[test]
fn a_course_can_be_put_away_between_any_two_steps() {
    for config in configs() {
        let whole = run(trainer(&config, Box::new(CpuExecutor::new())), |_| {});
        let count = |kind: fn(&Event) -> bool| whole.0.iter().filter(|event| kind(event)).count();
        assert_eq!(count(|event| matches!(event, Event::Progress(_))), 9, "{:?}", whole.0);
        assert_eq!(count(|event| matches!(event, Event::Evaluation { .. })), 5, "{:?}", whole.0);
        assert!(count(|event| matches!(event, Event::Best(_))) >= 1);
        assert!(matches!(whole.0.last(), Some(Event::Finished(_))));
        let waits = Rc::default();
        let distant =
            || Distant { near: CpuExecutor::new(), away: VecDeque::new(), waits: Rc::clone(&waits) };
        let executors: [Box<dyn Executor>; 2] = [Box::new(CpuExecutor::new()), Box::new(distant())];
        for executor in executors {
            let again = run(trainer(&config, executor), |trainer| {
                let text = serde_json::to_string(trainer.course()).expect("JSON");
                let course: Course = serde_json::from_str(&text).expect("a course");
                assert_eq!(&course, trainer.course());
                trainer.resume(course);
            });
            assert_eq!(again, whole);
        }
    }
}

#[test]
fn advancing_never_waits_and_the_best_weights_are_those_of_their_evaluation() {
    for config in configs() {
        let waits = Rc::default();
        let distant = Distant { near: CpuExecutor::new(), away: VecDeque::new(), waits: Rc::clone(&waits) };
        let mut trainer = trainer(&config, Box::new(distant));
        let (mut best, mut means, mut last_weights, mut report) = (Vec::new(), Vec::new(), None, None);
        while report.is_none() {
            for event in trainer.advance().expect("a step") {
                match event {
                    Event::Best(weights) => best.push(weights),
                    Event::Evaluation { greedy, .. } => means.push(greedy.mean()),
                    Event::Finished(done) => report = Some(done),
                    Event::Last(weights) => last_weights = Some(weights),
                    _ => {}
                }
            }
        }
        assert_eq!((*waits.borrow(), means.len()), (0, 5), "nothing waited");
        let report = report.expect("a report");
        let last = best.last().expect("an evaluation was best");
        let evaluated = report.best_evaluated.clone().expect("an evaluation was best");
        assert_eq!(last.greedy_mean, Some(evaluated.mean));
        assert_eq!((last.agent, last.env_steps), (evaluated.agent, evaluated.env_steps));
        assert!(best.windows(2).all(|pair| pair[0].greedy_mean <= pair[1].greedy_mean));
        assert!(evaluated.mean >= report.best().greedy.mean(), "the last evaluation counts as well");
        let at_the_end = last_weights.expect("the last weights");
        assert_eq!(at_the_end.tensors, trainer.weights().expect("weights"));
        assert_eq!((at_the_end.agent, at_the_end.env_steps), (report.best, report.env_steps));
        if evaluated.env_steps == report.env_steps {
            assert_eq!(last.tensors, at_the_end.tensors);
        }
        assert!(trainer.run(&mut |_| Ok(())).is_err(), "a finished run does not go on");
    }
}

fn reported(config: &Config) -> Report {
    Trainer::new(config).expect("trainer").run(&mut |_| Ok(())).expect("run")
}

/// Every step costs 1, so that episodes which were cut look better than they are.
#[test]
fn an_evaluation_that_was_cut_short_is_no_solution() {
    let config = Config {
        env: "mountaincar".into(),
        device: "cpu".into(),
        hidden: vec![8],
        total_timesteps: 2_000,
        eval_frequency: 500,
        eval_episodes: 4,
        eval_max_steps: 100,
        ..Config::default()
    };
    let report = reported(&config);
    let member = &report.members[0];
    assert_eq!((member.greedy.unfinished, member.greedy.mean()), (4, -100.0));
    assert_eq!((member.solved_at_env_steps, report.env_steps), (None, 2_000));
}

/// Its weights are those of before its divergence for ever.
#[test]
fn an_agent_that_has_diverged_solves_nothing_any_more() {
    let config = Config {
        env: "acrobot".into(),
        env_param: vec!["reward_threshold=-500".into()],
        device: "cpu".into(),
        hidden: vec![8],
        agents: 2,
        sweep: vec!["reward_scale=1,1e38".into()],
        learning_starts: 100,
        total_timesteps: 2_000,
        eval_frequency: 1_000,
        eval_episodes: 2,
        ..Config::default()
    };
    let report = reported(&config);
    let of = |agent: usize| {
        let member = &report.members[agent];
        (member.diverged_at_update.is_some(), member.solved_at_env_steps.is_some())
    };
    assert_eq!([of(0), of(1)], [(false, true), (true, false)]);
}
