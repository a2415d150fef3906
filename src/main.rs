//! The one binary. Linked as `kubectl-datashare` it is a kubectl plugin with the same commands.
//! Errors are printed here and nowhere else.

use std::io::{self, Write};
use std::process::ExitCode;

use datashare::cli;

// one thread frees what another allocated all the time; this allocator does that without locks
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::main(std::env::args_os()) {
        Ok(code) => ExitCode::from(code),
        // whoever reads has seen enough
        Err(error) if cli::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // nobody is left to tell when this fails too
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
