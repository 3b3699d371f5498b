//! One flag per row of the table of settings: `learning_rate` in TOML and in `--set` is `--learning-rate` here.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command};
use softq::config::{Config, Kind, SETTINGS, Setting, aliases, plain};
use toml::{Table, Value};

/// One flag per setting, parsed by clap into the strings that the user wrote.
#[derive(Clone, Debug, Default)]
pub struct Flags(pub Vec<(&'static Setting, String)>);

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let given = |setting: &'static Setting| {
            let values: Vec<&str> = matches.get_many::<String>(setting.key)?.map(String::as_str).collect();
            Some((setting, values.join("\n")))
        };
        Ok(Flags(SETTINGS.iter().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> std::result::Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let defaults = Table::try_from(Config::default()).unwrap_or_default();
        SETTINGS
            .iter()
            .fold(command, |command, setting| command.arg(argument(setting, defaults.get(setting.key))))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// clap gets no default value: a flag that was not given must not override the preset or the file.
fn argument(setting: &'static Setting, default: Option<&Value>) -> Arg {
    let shown = default.map(|value| format!(" [default: {}]", plain(value))).unwrap_or_default();
    let range = setting.range();
    let range = if range.is_empty() { range } else { format!(" [{range}]") };
    let arg = Arg::new(setting.key)
        .long(setting.flag())
        .help(format!("{}{shown}{range}", setting.help()))
        .help_heading(setting.heading)
        .aliases(aliases(setting.key).map(|name| name.replace('_', "-")))
        .allow_negative_numbers(true);
    let arg = if setting.key == "env" { arg.alias("env-id").conflicts_with("environment") } else { arg };
    match setting.kind {
        Kind::Word(words) => arg.value_name("WORD").value_parser(PossibleValuesParser::new(words)),
        Kind::Bool => arg.value_name("BOOL").value_parser(PossibleValuesParser::new(["true", "false"])),
        Kind::U32 | Kind::U64 => arg.value_name("N"),
        Kind::Number => arg.value_name("X"),
        Kind::Widths => arg.value_name("N,N"),
        // "-1dim(A)" is no number, and no flag either.
        Kind::Entropy => arg.value_name("X").allow_hyphen_values(true),
        Kind::Pairs => arg.value_name("NAME=VALUE").action(clap::ArgAction::Append),
        Kind::Text => arg.value_name("NAME"),
    }
}
