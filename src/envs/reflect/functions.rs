//! The functions of an environment file: which there are, with which types.

use super::*;

impl Reader<'_> {
    /// Checks the functions; tells which of the optional ones there are.
    pub(super) fn functions(&self, actions: &ActionSpace, obs_size: u32) -> Result<Functions> {
        if let Some(entry) = self.module.entry_points.first() {
            let tokens = Tokens::new(&self.source);
            let stage = |index: &usize| {
                tokens.is(*index, '@') && matches!(tokens.word(index + 1), "compute" | "vertex" | "fragment")
            };
            let line = (0..tokens.tokens.len()).find(stage).map(|index| tokens.tokens[index].line);
            return Err(self.fail(
                line.or_else(|| self.item_line(&entry.name)),
                format!(
                    "'{}' is an entry point; the engine has its own and calls reset, step and observe: declare plain functions",
                    entry.name
                ),
            ));
        }
        for (handle, variable) in self.module.global_variables.iter() {
            if let Some(line) = self.line_at(self.module.global_variables.get_span(handle)) {
                let name = variable.name.as_deref().unwrap_or("?");
                let message = format!(
                    "the variable '{name}' is not allowed at module scope: what changes belongs into State, what can be set \
                     into EnvParams, and buffers are the engine's"
                );
                return Err(self.fail(Some(line), message));
            }
        }
        if let Some((_, constant)) = self.module.overrides.iter().next() {
            let name = constant.name.as_deref().unwrap_or("?");
            let line = self.item_line(name);
            let message = format!(
                "`override {name}` is not allowed; write `const {name}`, with a comment `// param: ...` above it to set it with \
                 --env-param"
            );
            return Err(self.fail(line, message));
        }
        let action = match actions {
            ActionSpace::Discrete(_) => "u32".to_owned(),
            ActionSpace::MultiDiscrete(heads) => format!("array<u32, {}>", heads.len()),
            ActionSpace::Box { low, .. } => format!("array<f32, {}>", low.len()),
        };
        let rng = "ptr<function, Rng>";
        self.function("reset", &[rng], "State")?;
        self.function("step", &["ptr<function, State>", &action, rng], "Outcome")?;
        let observe_at = self.find_function("observe_at").is_some();
        if observe_at {
            if self.find_function("observe").is_some() {
                let message =
                    "there are both observe and observe_at; keep one, since only observe_at would be called";
                return Err(self.fail(self.item_line("observe"), message.into()));
            }
            self.function("observe_at", &["State", "u32"], "f32")?;
        } else {
            self.function("observe", &["State"], &format!("array<f32, {obs_size}>"))?;
            if obs_size > MAX_ARRAY_OBS_SIZE {
                let message = format!(
                    "{obs_size} elements are too many for an array: drivers take minutes to compile it. Write \
                     `fn observe_at(state: State, index: u32) -> f32`, one element, instead of observe"
                );
                return Err(self.at_constant("OBS_SIZE", message));
            }
        }
        let draw = self.find_function("draw").is_some();
        if draw {
            self.function("draw", &["State", "vec2<f32>"], "vec3<f32>")?;
        }
        Ok(Functions { observe_at, draw })
    }

    pub(super) fn find_function(&self, name: &str) -> Option<(Handle<Function>, &Function)> {
        self.module.functions.iter().find(|(_, function)| function.name.as_deref() == Some(name))
    }

    pub(super) fn function(&self, name: &str, arguments: &[&str], result: &str) -> Result<()> {
        let expected = format!("fn {name}({}) -> {result}", arguments.join(", "));
        let Some((handle, function)) = self.find_function(name) else {
            let near = self.module.functions.iter().filter_map(|(_, function)| function.name.as_deref());
            let near = explain::nearest(name, near.filter(|near| self.item_line(near).is_some()));
            return Err(match near {
                Some(near) => self.fail(
                    self.item_line(near),
                    format!(
                        "the function {name} is missing; is `{near}` meant to be it? Expected is `{expected}`"
                    ),
                ),
                None => self.fail(None, format!("the function {name} is missing; expected is `{expected}`")),
            });
        };
        let has: Vec<String> =
            function.arguments.iter().map(|argument| self.type_name(argument.ty)).collect();
        let returns = function.result.as_ref().map_or("nothing".into(), |result| self.type_name(result.ty));
        if has == arguments && returns == result {
            return Ok(());
        }
        let line = self.item_line(name).or_else(|| self.line_at(self.module.functions.get_span(handle)));
        Err(self.fail(
            line,
            format!(
                "`fn {name}({}) -> {returns}` has the wrong types; expected is `{expected}`",
                has.join(", ")
            ),
        ))
    }
}
