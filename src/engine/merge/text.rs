//! The texts of several kernels as declarations of one module: what says the same is there once, what does not gets a name of
//! its own.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use crate::engine::items::{Item, items};
use crate::engine::lexer::{Kind, Tokens};
use crate::engine::variant::Variant;
use crate::error::{Error, Result};

/// Where a binding of a kernel lies: in an arena, from an element on, so many elements per agent.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub arena: String,
    pub first: u64,
    pub of_agent: u64,
}

/// A kernel's function in the module.
pub(super) struct Entry {
    pub name: String,
    /// The builtins that it takes, in order.
    builtins: Vec<String>,
    /// Whether it uses workgroup memory.
    pub uses_workgroup: bool,
}

impl Entry {
    /// Its call with `group` and `local` in scope.
    pub fn call(&self, workgroup: u32) -> String {
        let argument = |builtin: &String| match builtin.as_str() {
            "workgroup_id" => "group".to_owned(),
            "global_invocation_id" => format!("vec3u(group.x * {workgroup}u + local, group.y, group.z)"),
            "local_invocation_id" => "vec3u(local, 0u, 0u)".to_owned(),
            _ => "local".to_owned(),
        };
        let arguments: Vec<String> = self.builtins.iter().map(argument).collect();
        format!("{}({});", self.name, arguments.join(", "))
    }
}

/// A kernel's composed text, read once.
struct Source {
    text: String,
    items: Vec<Item>,
}

/// What a name stands for while one dispatch's text is written.
struct Scope<'a> {
    source: Rc<Source>,
    bindings: &'a HashMap<&'static str, Placed>,
    params: &'a str,
    kernel: &'static str,
    /// Names that are decided, and those that are being written.
    names: HashMap<String, Option<String>>,
}

/// The declarations so far.
pub(super) struct Texts {
    sources: HashMap<String, Rc<Source>>,
    /// Final name by name and text, with the declaration's own name left open.
    known: HashMap<(String, String), String>,
    taken: HashSet<String>,
    declarations: Vec<String>,
}

/// Stands for the name of a declaration in its own text.
const OWN: &str = "\u{1}";

impl Texts {
    /// No declarations yet; these names are the module's own.
    pub fn new<'n>(reserved: impl IntoIterator<Item = &'n str>) -> Texts {
        Texts {
            sources: HashMap::new(),
            known: HashMap::new(),
            taken: reserved.into_iter().map(str::to_owned).collect(),
            declarations: Vec::new(),
        }
    }

    /// All declarations.
    pub fn declarations(&self) -> String {
        self.declarations.join("\n\n")
    }

    /// The final name of a type that refers to no binding, which is declared from here on.
    pub fn declared(&mut self, variant: &Variant, name: &str) -> Result<String> {
        let (source, none) = (self.source(variant)?, HashMap::new());
        let mut scope =
            Scope { source, bindings: &none, params: "", kernel: variant.kernel.name, names: HashMap::new() };
        Ok(self.name_of(&mut scope, name).unwrap_or_else(|| name.to_owned()))
    }

    /// The kernel's entry point as a function, with everything that it uses.
    pub fn entry(
        &mut self,
        variant: &Variant,
        bindings: &HashMap<&'static str, Placed>,
        params: &str,
    ) -> Result<Entry> {
        let source = self.source(variant)?;
        let kernel = variant.kernel.name;
        let mut scope = Scope { source: source.clone(), bindings, params, kernel, names: HashMap::new() };
        let Some(name) = self.name_of(&mut scope, "main") else {
            let message = "its text has no entry point".to_owned();
            return Err(Error::Kernel { kernel: kernel.into(), message });
        };
        let tokens = Tokens::new(&source.text);
        let main = source.items.iter().find(|item| item.name == "main");
        let within = main.map_or(0..0, |main| main.tokens.clone());
        let builtins = within
            .filter(|index| tokens.word(*index) == "builtin" && tokens.is(index + 1, '('))
            .map(|index| tokens.word(index + 2).to_owned());
        let uses_workgroup =
            source.items.iter().any(|item| item.keyword == "var" && is_of(&tokens, item, "workgroup"));
        Ok(Entry { name, builtins: builtins.collect(), uses_workgroup })
    }

    fn source(&mut self, variant: &Variant) -> Result<Rc<Source>> {
        let key = variant.name();
        if let Some(source) = self.sources.get(&key) {
            return Ok(source.clone());
        }
        let text = variant.text()?;
        let items = items(&Tokens::new(&text));
        let source = Rc::new(Source { text, items });
        self.sources.insert(key, source.clone());
        Ok(source)
    }

    /// The final name of a declaration of the scope's text, which is written if it is new; `None` for what is none.
    fn name_of(&mut self, scope: &mut Scope<'_>, name: &str) -> Option<String> {
        if let Some(known) = scope.names.get(name) {
            // A name that is being written is a variable of a function in it.
            return known.clone();
        }
        let source = scope.source.clone();
        let item = source.items.iter().find(|item| item.name == name && item.keyword != "const_assert")?;
        let tokens = Tokens::new(&source.text);
        if is_of(&tokens, item, "storage") {
            return None;
        }
        scope.names.insert(name.to_owned(), None);
        let mut text = String::new();
        let locals = locals(&tokens, item);
        self.write(scope, &tokens, (item, &locals), item.tokens.clone(), &mut text);
        let wanted = if name == "main" { scope.kernel } else { name };
        let key = (wanted.to_owned(), text);
        let last = match self.known.get(&key) {
            Some(known) => known.clone(),
            None => {
                let mut last = wanted.to_owned();
                for version in 2.. {
                    if self.taken.insert(last.clone()) {
                        break;
                    }
                    last = format!("{wanted}_v{version}");
                }
                self.declarations.push(key.1.replace(OWN, &last));
                self.known.insert(key, last.clone());
                last
            }
        };
        scope.names.insert(name.to_owned(), Some(last.clone()));
        Some(last)
    }

    /// Writes tokens with final names and places.
    fn write(
        &mut self,
        scope: &mut Scope<'_>,
        tokens: &Tokens<'_>,
        (item, locals): (&Item, &HashSet<&str>),
        range: Range<usize>,
        to: &mut String,
    ) {
        let mut index = range.start;
        // What stands between two tokens is kept.
        let mut end = tokens.tokens.get(index).map_or(0, |token| token.range.start);
        while index < range.end {
            let token = &tokens.tokens[index];
            to.push_str(&tokens.text[end..token.range.start]);
            let word = tokens.str(token);
            let member = index > 0 && tokens.is(index - 1, '.');
            let next = if token.kind != Kind::Word || member || locals.contains(word) {
                match token.kind == Kind::Sign('@') && item.name == "main" {
                    // A builtin of the entry point, which becomes an argument.
                    true => tokens.behind(index + 2),
                    false => {
                        to.push_str(word);
                        index + 1
                    }
                }
            } else if let Some(placed) = scope.bindings.get(word).filter(|_| tokens.is(index + 1, '[')) {
                let placed = placed.clone();
                self.access(scope, tokens, (item, locals), index, &placed, to)
            } else if word == "p" && tokens.is(index + 1, '.') && !scope.params.is_empty() {
                to.push_str(scope.params);
                index + 1
            } else {
                let field = item.keyword == "struct" && tokens.is(index + 1, ':');
                let own = word == item.name && !field;
                match own || field {
                    true => to.push_str(if own { OWN } else { word }),
                    false => match self.name_of(scope, word) {
                        Some(last) => to.push_str(&last),
                        None => to.push_str(word),
                    },
                }
                index + 1
            };
            end = tokens.tokens[next - 1].range.end;
            index = next;
        }
    }

    /// An element of a binding, or a store of four; the index of the token behind it.
    fn access(
        &mut self,
        scope: &mut Scope<'_>,
        tokens: &Tokens<'_>,
        within: (&Item, &HashSet<&str>),
        index: usize,
        placed: &Placed,
        to: &mut String,
    ) -> usize {
        let behind = tokens.behind(index + 1);
        let mut at = String::new();
        self.write(scope, tokens, within, index + 2..behind - 1, &mut at);
        let Placed { arena, first, of_agent } = placed;
        let fours = in_fours(scope, tokens.word(index));
        let at = match (fours, *of_agent) {
            (true, 0) => format!("{first}u + 4u * ({at})"),
            (true, each) => format!("{first}u + merged_agent * {each}u + 4u * ({at})"),
            (false, 0) => format!("{first}u + ({at})"),
            (false, each) => format!("{first}u + merged_agent * {each}u + ({at})"),
        };
        if !fours {
            *to += &format!("{arena}[{at}]");
            return behind;
        }
        let assigned = tokens.is(behind, '=') && !tokens.pair(behind, ['=', '=']);
        if !assigned {
            *to += &format!("load_fours({at})");
            return behind;
        }
        let mut close = behind + 1;
        while close < tokens.tokens.len() && !tokens.is(close, ';') {
            close =
                if tokens.is(close, '(') || tokens.is(close, '[') { tokens.behind(close) } else { close + 1 };
        }
        let mut value = String::new();
        self.write(scope, tokens, within, behind + 1..close, &mut value);
        *to += &format!("store_fours({at}, {value})");
        close
    }
}

/// The parameters and variables of a function: what its text means by these names.
fn locals<'t>(tokens: &Tokens<'t>, item: &Item) -> HashSet<&'t str> {
    let mut found = HashSet::new();
    if item.keyword != "fn" {
        return found;
    }
    let header =
        item.tokens.clone().find(|index| tokens.is(*index, '(')).map_or(0, |open| tokens.behind(open));
    for index in item.tokens.clone() {
        let declares = matches!(tokens.word(index), "let" | "var" | "const");
        let name = if declares && tokens.is(index + 1, '<') { index + 4 } else { index + 1 };
        if declares {
            found.insert(tokens.word(name));
        } else if index < header && tokens.is(index + 1, ':') && tokens.tokens[index].kind == Kind::Word {
            found.insert(tokens.word(index));
        }
    }
    found
}

/// Whether a kernel reads a binding four numbers at a time.
fn in_fours(scope: &Scope<'_>, name: &str) -> bool {
    let tokens = Tokens::new(&scope.source.text);
    let of_name = |item: &&Item| item.name == name && is_of(&tokens, item, "storage");
    let item = scope.source.items.iter().find(of_name);
    item.is_some_and(|item| item.tokens.clone().any(|index| tokens.word(index) == "vec4f"))
}

/// Whether an item is a variable in this address space.
fn is_of(tokens: &Tokens<'_>, item: &Item, space: &str) -> bool {
    item.keyword == "var"
        && tokens.is(item.tokens.start + 1, '<')
        && tokens.word(item.tokens.start + 2) == space
}
