//! The training loop, in steps that never wait: each submits what is next and takes what has arrived. Nothing of an
//! iteration runs on the host, and nothing is uploaded meanwhile.

use std::future::poll_fn;

use crate::agents;
use crate::config::Config;
use crate::engine::clock::Instant;
use crate::engine::env::Env;
use crate::engine::executor::{Grain, Program};
use crate::engine::recording::BufferId;
use crate::error::{Error, Result};
use crate::kernels::metrics::Metrics;
use crate::shared::agent::Lane;
use crate::train::course::{Stage, Standing, What, Which};
use crate::train::event::{Evaluated, Evaluation, Event, Member, Progress, Report};
use crate::train::fault::not_finite;
use crate::train::statistics::sum_of_all;
use crate::train::trainer::Trainer;

/// Steps of an evaluation between two looks at its episodes, which may all have ended early.
pub(super) const CHUNK: u32 = 125;

/// Most steps of an evaluation.
pub(super) fn longest_evaluation(config: &Config, env: &Env) -> u32 {
    env.step_limit().min(config.eval_max_steps)
}

impl Trainer {
    /// Submits what is next, takes what has arrived, and returns what there is to tell; [`Event::Finished`] comes last.
    /// Never waits for the device, unless more submissions are in flight than it should have.
    ///
    /// An error is returned after the events that came before it.
    pub fn advance(&mut self) -> Result<Vec<Event>> {
        self.proceed(true)
    }

    /// Takes what has arrived without submitting anything: what a run that is held still has to tell.
    pub fn receive(&mut self) -> Result<Vec<Event>> {
        self.proceed(false)
    }

    /// [`Trainer::advance`] where the thread must not be kept, as in a browser: first lets others run until the device takes
    /// more, or until what an evaluation waits for has arrived.
    pub async fn step(&mut self) -> Result<Vec<Event>> {
        let executor = &mut self.executor;
        match self.course.waiting() {
            true => poll_fn(|context| executor.poll_arrived(context)).await?,
            false => poll_fn(|context| executor.poll_ready(context)).await?,
        }
        self.advance()
    }

    fn proceed(&mut self, submit: bool) -> Result<Vec<Event>> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        if submit {
            self.clock.get_or_insert_with(Instant::now);
        }
        self.lap();
        let mut events: Vec<Event> = self.warnings.drain(..).map(Event::Warning).collect();
        let submitted = if submit { self.submit_next() } else { Ok(()) };
        let outcome = submitted.and_then(|()| self.collect(&mut events));
        match outcome {
            Err(error) if events.is_empty() => return Err(error),
            Err(error) => self.failure = Some(error),
            Ok(()) => {}
        }
        Ok(events)
    }

    /// Waits until [`Trainer::advance`] has something to do.
    pub fn wait(&mut self) -> Result<()> {
        if self.course.waiting() { self.executor.wait() } else { Ok(()) }
    }

    /// Trains until the budget is used up or, if so configured, an evaluation reaches the threshold.
    ///
    /// ```
    /// use softq::config::Config;
    /// use softq::train::event::Event;
    /// use softq::train::trainer::Trainer;
    ///
    /// let config = Config { env: "catch".into(), device: "cpu".into(), total_timesteps: 5_000, ..Config::default() };
    /// let mut curve = Vec::new();
    /// let report = Trainer::new(&config)?.run(&mut |event| {
    ///     if let Event::Evaluation { env_steps, greedy } = event {
    ///         curve.push((*env_steps, greedy.mean()));
    ///     }
    ///     Ok(())
    /// })?;
    /// assert!(!curve.is_empty() && report.updates > 0);
    /// # Ok::<(), softq::Error>(())
    /// ```
    pub fn run(&mut self, observe: &mut dyn FnMut(&Event) -> Result<()>) -> Result<Report> {
        while !self.course.finished() {
            for event in self.advance()? {
                observe(&event)?;
                if let Event::Finished(report) = event {
                    return Ok(*report);
                }
            }
            self.wait()?;
        }
        Err(Error::invalid("run", "finished", "one that goes on", "Make a new Trainer to train again."))
    }

    /// Adds the time since the last call to that of the run, while its clock goes.
    pub(super) fn lap(&mut self) {
        if let Some(before) = self.clock {
            let now = Instant::now();
            self.course.wall_s += (now - before).as_secs_f64();
            self.clock = Some(now);
        }
    }

    fn submit_next(&mut self) -> Result<()> {
        match &self.course.stage {
            Stage::Training => self.submit_iterations(),
            Stage::Evaluating(running) if !running.waiting => self.submit_chunk(),
            Stage::Evaluating(_) | Stage::Finished => Ok(()),
        }
    }

    /// As many iterations as the pace allows, up to where a window of statistics or an evaluation is due.
    fn submit_iterations(&mut self) -> Result<()> {
        let total = self.config.total_timesteps;
        let warm_up = self.config.learning_starts.min(total);
        let course = &self.course;
        let (block, until) = match course.env_steps < warm_up {
            true => (&self.programs.warm_up, warm_up),
            false => (&self.programs.iteration, total),
        };
        // Windows of statistics end at fixed steps, whatever the device's pace, so that runs are comparable row by row.
        let until = until.min(course.next_eval.unwrap_or(u64::MAX)).min(course.next_log);
        let left = (until - course.env_steps).div_ceil(block.env_steps);
        let mut iterations = left.min(u64::from(course.pace.iterations)) as u32;
        let learning = course.env_steps >= warm_up;
        let profile = self.profile.as_mut().filter(|profile| learning && profile.room() > 0);
        if let Some(profile) = &profile {
            iterations = iterations.min(profile.room() as u32);
        }
        let before = Instant::now();
        let env_steps = course.env_steps + block.env_steps * u64::from(iterations);
        let programs = block.repeated(iterations);
        match profile {
            None => self.executor.submit(&programs, None)?,
            Some(profile) => {
                let since = profile.now();
                let spans = self.executor.clocked(&programs, Grain::Dispatch)?;
                profile.add(since, &spans);
                if spans.is_empty() {
                    self.profile = None;
                    let why = match self.config.megakernel {
                        true => "a megakernel has one time for all its kernels",
                        false => "the adapter has no timestamps",
                    };
                    self.warnings.push(format!("there is no profile: {why}"));
                }
            }
        }
        self.course.env_steps = env_steps;
        if env_steps >= self.course.next_log {
            self.ask_for_statistics()?;
            let every = self.config.log_frequency;
            self.course.next_log = (env_steps / every + 1) * every;
        }
        // Only a few submissions may be in flight, so in the long run submitting takes as long as the device works; and where
        // that cannot wait, so does the time from one to the next.
        let since = match self.executor.waits() {
            true => Some(before),
            false => self.submitted.replace(before),
        };
        let suitable = self.executor.suitable();
        self.course.pace.adapt(iterations, since.map_or(suitable, |since| since.elapsed()), suitable);

        if self.course.next_eval.is_some_and(|next| env_steps >= next) {
            let every = self.config.eval_frequency;
            self.course.next_eval = Some((env_steps / every + 1) * every);
            if env_steps >= warm_up && env_steps < total {
                self.begin(Which::Periodic, Vec::new());
            }
        }
        if env_steps >= total { self.close() } else { Ok(()) }
    }

    /// The last window, if the run ends in the middle of one, and the last evaluations.
    fn close(&mut self) -> Result<()> {
        if self.course.logged_at != self.course.env_steps {
            self.ask_for_statistics()?;
        }
        self.begin(Which::FinalGreedy, Vec::new());
        Ok(())
    }

    fn begin(&mut self, which: Which, earlier: Vec<Evaluation>) {
        self.course.begin(which, longest_evaluation(&self.config, self.env), earlier);
    }

    /// Has the statistics of the window computed and sent, shard by shard.
    fn ask_for_statistics(&mut self) -> Result<()> {
        for (program, shard) in self.programs.metrics.iter().zip(&self.plan.shards) {
            self.executor.submit(&[(*program, 1)], Some(shard.metrics_out.id))?;
        }
        self.course.logged_at = self.course.env_steps;
        self.course.expect(What::Statistics, self.plan.shards.len());
        Ok(())
    }

    /// The next steps of the evaluation, and how its episodes stand after them.
    fn submit_chunk(&mut self) -> Result<()> {
        // The time of an evaluation is none of an iteration.
        self.submitted = None;
        let Stage::Evaluating(running) = &mut self.course.stage else { return Ok(()) };
        let (reset, act) = self.programs.evaluations[running.which.place()];
        let steps = running.left.min(CHUNK);
        let mut programs: Vec<(Program, u32)> = Vec::new();
        if !running.begun {
            programs.push((reset, 1));
        }
        programs.push((act, steps));
        running.left -= steps;
        (running.begun, running.waiting) = (true, true);
        self.executor.submit(&programs, None)?;
        for shard in &self.plan.shards {
            self.executor.request(shard.eval_lanes.id)?;
        }
        self.course.expect(What::Lanes, self.plan.shards.len());
        Ok(())
    }

    pub(super) fn collect(&mut self, events: &mut Vec<Event>) -> Result<()> {
        let arrived = self.executor.collect()?;
        self.lap();
        let mut outcome = Ok(());
        for words in arrived {
            // After an error the rest still arrives, each as what it was asked for.
            let taken = match self.course.receive(&words) {
                Some((What::Statistics, words)) => self.take_statistics(bytemuck::cast_slice(&words), events),
                Some((What::Lanes, words)) => self.take_lanes(bytemuck::cast_slice(&words), events),
                other => {
                    self.take_words(other, events);
                    Ok(())
                }
            };
            outcome = outcome.and(taken);
        }
        outcome
    }

    /// What was asked for and says nothing of how the run goes.
    fn take_words(&mut self, arrived: Option<(What, Vec<u32>)>, events: &mut Vec<Event>) {
        let Some((what, words)) = arrived else { return };
        match what {
            What::Statistics | What::Lanes => {}
            What::Best(evaluated) => {
                events.push(Event::Best(Box::new(self.weights_in(evaluated, &words))));
            }
            What::Last(evaluated) => {
                events.push(Event::Last(Box::new(self.weights_in(evaluated, &words))));
            }
            What::All => events.push(Event::All(Box::new(self.all_weights_in(&words)))),
            What::Current(evaluated) => {
                events.push(Event::Current(Box::new(self.weights_in(evaluated, &words))));
            }
            What::Contents(buffer) => events.push(Event::Contents { buffer: BufferId(buffer), words }),
        }
    }

    /// A single agent that met a non-finite value ends the run; of a population it is left behind, and the run ends when
    /// none is left.
    fn take_statistics(&mut self, windows: &[Metrics], events: &mut Vec<Event>) -> Result<()> {
        if let Some((agent, window)) = windows.iter().enumerate().find(|(_, window)| window.fault != 0) {
            return Err(self.not_finite("training", agent, window.fault_lane as usize, window.fault));
        }
        let course = &mut self.course;
        let (all, episodes) = sum_of_all(windows);
        let unmeasured = agents::find(&self.config.algo).is_ok_and(|algorithm| !algorithm.entropy);
        let measured = |progress: Progress| match unmeasured {
            true => Progress { entropy: None, ..progress },
            false => progress,
        };
        let progress = measured(Progress { episodes, ..course.statistics.add(&all, course.wall_s) });
        for (agent, window) in windows.iter().enumerate().filter(|(_, window)| window.nonfinite != 0) {
            let update = u64::from(window.nonfinite);
            let known = course.standings[agent].diverged_at_update.replace(update).is_some();
            if !known && windows.len() > 1 {
                events.push(Event::Warning(format!(
                    "agent {agent} diverged at update {update}: the loss or its gradient is not finite. It is left \
                     behind; the others go on."
                )));
            }
        }
        if course.standings.iter().all(|standing| standing.diverged_at_update.is_some()) {
            return Err(Error::Diverged {
                what: "the loss or its gradient".into(),
                update: u64::from(windows[0].nonfinite),
                env_steps: progress.env_steps,
                kept: String::new(),
            });
        }
        events.push(Event::Progress(progress.clone()));
        if !course.agents.is_empty() {
            let each = course.agents.iter_mut().zip(windows);
            let each = each.map(|(statistics, window)| measured(statistics.add(window, course.wall_s)));
            events.push(Event::AgentsProgress(each.collect()));
        }
        events.extend(course.runaway.check(&progress).map(Event::Warning));
        Ok(())
    }

    /// How the episodes of the evaluation stand after a chunk of steps.
    fn take_lanes(&mut self, lanes: &[Lane], events: &mut Vec<Event>) -> Result<()> {
        let episodes = self.config.eval_episodes as usize;
        // Before any best value or threshold looks at a return.
        if let Some(at) = lanes.iter().position(|lane| lane.fault != 0) {
            return Err(self.not_finite("an evaluation", at / episodes, at % episodes, lanes[at].fault));
        }
        let Stage::Evaluating(running) = &mut self.course.stage else { return Ok(()) };
        running.waiting = false;
        if running.left > 0 && lanes.iter().any(|lane| lane.episodes == 0) {
            return Ok(());
        }
        let results: Vec<Evaluation> = lanes.chunks(episodes).map(Evaluation::of_lanes).collect();
        let (which, earlier) = (running.which, std::mem::take(&mut running.earlier));
        match which {
            // A second set of episodes guards against stopping on one lucky evaluation.
            Which::Periodic if (0..results.len()).any(|agent| self.passes(agent, &results[agent])) => {
                self.begin(Which::Confirm, results);
                Ok(())
            }
            Which::Periodic => self.evaluated(&results, events),
            Which::Confirm => {
                self.confirm(&earlier, &results);
                self.evaluated(&earlier, events)
            }
            Which::FinalGreedy if self.course.unsolved().any(|agent| self.passes(agent, &results[agent])) => {
                self.begin(Which::FinalConfirm, results);
                Ok(())
            }
            Which::FinalGreedy => self.trained(results, events),
            Which::FinalConfirm => {
                self.confirm(&earlier, &results);
                self.trained(earlier, events)
            }
            Which::FinalSoftmax => {
                self.finish(earlier, results, events);
                Ok(())
            }
        }
    }

    fn not_finite(&self, during: &'static str, agent: usize, lane: usize, fault: u32) -> Error {
        let of = if self.plan.members.len() > 1 { format!(" of agent {agent}") } else { String::new() };
        not_finite(&self.env.id, format!("{lane}{of}"), fault, during)
    }

    /// Whether an agent that has not diverged is at the threshold. Where steps cost, episodes that have not ended might go below it.
    fn passes(&self, agent: usize, evaluation: &Evaluation) -> bool {
        let alive = self.course.standings[agent].diverged_at_update.is_none();
        let threshold = self.env.reward_threshold;
        let above = threshold.is_some_and(|threshold| evaluation.mean() >= threshold);
        alive && above && !evaluation.is_cut(threshold)
    }

    /// Takes note of the agents that are at the threshold twice.
    fn confirm(&mut self, first: &[Evaluation], second: &[Evaluation]) {
        for (agent, (first, second)) in first.iter().zip(second).enumerate() {
            if self.passes(agent, first) && self.passes(agent, second) {
                let standing = &mut self.course.standings[agent];
                standing.solved_at_env_steps.get_or_insert(self.course.env_steps);
            }
        }
    }

    /// After the last greedy evaluation: the weights to keep, and the last one by samples of the policy.
    fn trained(&mut self, greedy: Vec<Evaluation>, events: &mut Vec<Event>) -> Result<()> {
        self.keep_if_best(&greedy)?;
        let none = vec![Evaluation::default(); greedy.len()];
        let best = Member::ranking(&self.outcomes(&greedy, &none)).first().copied().unwrap_or(0);
        self.course.best = best;
        let (env_steps, mean) = (self.course.env_steps, greedy[best].mean());
        let cut = greedy[best].is_cut(self.env.reward_threshold);
        self.ask_for_weights(What::Last, Evaluated { agent: best, env_steps, mean, cut })?;
        if greedy.len() > 1 {
            self.ask_for_all_weights(events)?;
        }
        self.begin(Which::FinalSoftmax, greedy);
        Ok(())
    }

    /// After a periodic evaluation: training goes on, or every agent has what it was to have.
    fn evaluated(&mut self, greedy: &[Evaluation], events: &mut Vec<Event>) -> Result<()> {
        let env_steps = self.course.env_steps;
        tell_evaluation(env_steps, greedy, events);
        self.course.evaluated_at = Some(env_steps);
        self.keep_if_best(greedy)?;
        self.course.stage = Stage::Training;
        if self.config.stop_when_solved && self.course.settled() { self.close() } else { Ok(()) }
    }

    /// Asks for the weights of the best agent of this evaluation, if none was better before.
    fn keep_if_best(&mut self, evaluations: &[Evaluation]) -> Result<()> {
        match self.course.improved(evaluations, self.env.reward_threshold) {
            Some(evaluated) => self.ask_for_weights(What::Best, evaluated),
            None => Ok(()),
        }
    }

    fn finish(&mut self, greedy: Vec<Evaluation>, softmax: Vec<Evaluation>, events: &mut Vec<Event>) {
        let env_steps = self.course.env_steps;
        if self.course.evaluated_at != Some(env_steps) {
            tell_evaluation(env_steps, &greedy, events);
        }
        let members = self.outcomes(&greedy, &softmax);
        self.course.stage = Stage::Finished;
        events.push(Event::Finished(Box::new(Report {
            env: self.env.id.clone(),
            algo: self.config.algo.clone(),
            device: self.choice.address.clone(),
            adapter: self.choice.adapter.clone(),
            env_steps,
            updates: self.course.statistics.updates(),
            wall_s: self.course.wall_s,
            uploaded_bytes: self.executor.uploaded_bytes() - self.uploaded,
            sweep: self.config.sweep.clone(),
            members,
            best: self.course.best,
            best_evaluated: self.course.best_evaluated.clone(),
        })));
    }

    /// How every agent ended.
    fn outcomes(&self, greedy: &[Evaluation], softmax: &[Evaluation]) -> Vec<Member> {
        let member = |(agent, (greedy, softmax)): (usize, (&Evaluation, &Evaluation))| {
            let Standing { solved_at_env_steps, solved_before, diverged_at_update } =
                self.course.standings[agent];
            Member {
                agent,
                config: self.plan.members[agent].clone(),
                solved_at_env_steps: solved_before.or(solved_at_env_steps),
                diverged_at_update,
                cut: greedy.is_cut(self.env.reward_threshold),
                greedy: greedy.clone(),
                softmax: softmax.clone(),
            }
        };
        greedy.iter().zip(softmax).enumerate().map(member).collect()
    }
}

/// All episodes together, and of a population those of each agent.
fn tell_evaluation(env_steps: u64, greedy: &[Evaluation], events: &mut Vec<Event>) {
    events.push(Event::Evaluation { env_steps, greedy: Evaluation::of_all(greedy) });
    if greedy.len() > 1 {
        events.push(Event::AgentsEvaluation { env_steps, greedy: greedy.to_vec() });
    }
}
