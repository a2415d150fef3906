//! `datashare completion`: the script that teaches a shell our commands.

use std::io::{self, Write};

use clap::Args;
use clap_complete::Shell;

/// Print the completion script of a shell
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "Example:\n  datashare completion bash > /etc/bash_completion.d/datashare")]
pub struct CompletionArgs {
    /// The shell
    shell: Shell,
}

/// Runs the command; the exit code is 0.
/// `program` is the file the shell starts.
pub fn run(args: &CompletionArgs, command: &mut clap::Command, program: &str, out: &mut dyn Write) -> io::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, program, &mut script);
    out.write_all(&script)?;
    out.flush()?;
    Ok(0)
}
