//! `softq completions` and `softq man`: the command line for shells and for `man`, generated from its own declaration.

use std::io::Write;

use clap::Command;
use softq::Result;

use super::put;

/// Arguments of `softq completions`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  softq completions bash > ~/.local/share/bash-completion/completions/softq\n  \
                        softq completions zsh > \"${fpath[1]}/_softq\""
)]
pub struct CompletionsArgs {
    /// Shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Writes the completions.
pub fn completions(args: &CompletionsArgs, mut command: Command, out: &mut dyn Write) -> Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, "softq", &mut text);
    put(out, &String::from_utf8_lossy(&text))
}

/// Writes the manual page: that of the program, then one of each command.
pub fn man(command: Command, out: &mut dyn Write) -> Result<()> {
    let mut pages = vec![command.clone()];
    for of in command.get_subcommands() {
        let name = format!("softq-{}", of.get_name());
        pages.push(of.clone().name(name.clone()).display_name(name));
    }
    let mut text = Vec::new();
    for page in pages {
        // Writing into memory does not fail.
        let _ = clap_mangen::Man::new(page).render(&mut text);
    }
    put(out, &String::from_utf8_lossy(&text))
}
