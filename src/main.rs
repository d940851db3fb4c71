//! `kubepki` as a program of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubepki::cli::main(std::env::args_os().collect()).into()
}
