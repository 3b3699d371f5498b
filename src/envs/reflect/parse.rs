//! From the text of an environment file to its module, with errors at the file's own lines.

use super::*;

impl<'a> Reader<'a> {
    pub(super) fn parse(file: &'a str, source: &str) -> Result<Reader<'a>> {
        if let Some(at) = source.find('\0') {
            let message = "the file holds a zero byte; it must be plain text".into();
            return Err(Error::EnvFile { file: file.into(), line: Some(line_of(source, at)), message });
        }
        let tokens = Tokens::new(source);
        if !text::has_code(&tokens) {
            let message = "there is no code in this file; start from the smallest world in docs/your-own-environment.md";
            return Err(Error::EnvFile { file: file.into(), line: None, message: message.into() });
        }
        refusals::check_depth(file, &tokens)?;
        refusals::check_unavailable(file, &tokens)?;
        refusals::check_params_are_read(file, &tokens)?;
        let items = items::items(&tokens);
        refusals::check_declared_names(file, &items)?;
        let sizes = [("OBS_SIZE", MAX_OBS_SIZE), ("NUM_ACTIONS", MAX_ACTIONS)];
        refusals::check_sizes(file, &tokens, &items, &sizes)?;
        let mut text = compose_alone(source).map_err(|error| match error {
            Error::Shader { message, .. } => {
                let name = message.split('\'').nth(1).unwrap_or("");
                let line = imports(&tokens).find(|(import, _)| *import == name).map(|(_, line)| line);
                let message = format!(
                    "{message}: a world is one file, and has the engine's functions without importing them"
                );
                Error::EnvFile { file: file.into(), line, message }
            }
            other => other,
        })?;
        if items.iter().any(|item| item.keyword == "struct" && item.name == "EnvParams") {
            text += "var<private> env: EnvParams;\n";
        }
        // The only use of a function: it gives constants without a type the type they would get as a variable.
        for item in items.iter().filter(|item| item.keyword == "const" && !item.name.is_empty()) {
            text += &format!("fn value_of_{0}() {{ var value = {0}; }}\n", item.name);
        }
        let failed = |failure: variant::Failure| {
            place(failure.moved(|span| of_constant(&text, span, &tokens, &items)), file, &tokens, &items, 0)
        };
        // Where the compiler names no place, the file is tried in parts.
        let searched = |failure: variant::Failure| {
            let message = match &failure {
                variant::Failure::Parse { spans, message, .. } if spans.is_empty() => message.clone(),
                variant::Failure::Invalid { spans, error } if spans.is_empty() => explain::invalid(error),
                _ => return failed(failure),
            };
            match culprit::line(&text, &tokens, &items, &message) {
                None => failed(failure),
                line => {
                    Error::EnvFile { file: file.into(), line, message: explain::explained(&items, &message) }
                }
            }
        };
        let module = variant::read(&text).map_err(searched)?;
        match returns::completed(&module, &tokens, &items) {
            Err(missing) => {
                let message = format!(
                    "`{}` may end without returning a value; add a `return` for every way through it",
                    missing.name
                );
                return Err(Error::EnvFile { file: file.into(), line: Some(missing.line), message });
            }
            Ok(Some(completed)) => return Reader::parse(file, &completed),
            Ok(None) => {}
        }
        let info = variant::validate(&module).map_err(searched)?;
        Ok(Reader { file, source: source.to_owned(), items, module, info })
    }
}

/// A place in the function that uses a constant, as the place of the constant's declaration.
fn of_constant(text: &str, span: Span, tokens: &Tokens<'_>, items: &[Item]) -> Span {
    let declared = || {
        let start = text[..span.to_range()?.start].rfind('\n')? + 1;
        let name = text[start..].strip_prefix("fn value_of_")?.split('(').next()?;
        let range = tokens.tokens.get(items::named(items, name)?.tokens.start)?.range.clone();
        Some(Span::new(range.start as u32, range.end as u32))
    };
    declared().unwrap_or(span)
}

/// The imports of a file with their lines.
fn imports<'t>(tokens: &'t Tokens<'_>) -> impl Iterator<Item = (&'t str, usize)> {
    let import = |comment| Some((tokens.words(comment).strip_prefix("import:")?.trim(), comment.line));
    tokens.comments.iter().filter(|comment| comment.alone).filter_map(import)
}
