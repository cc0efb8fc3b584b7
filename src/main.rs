//! The program: parse, run, exit code.

use std::process::ExitCode;

use azaudit::cli::{self, Command};
use azaudit::commands;

fn main() -> ExitCode {
    match cli::parse().command {
        Command::Scan(scan) => commands::scan::run(&scan).into(),
        Command::Collect(collect) => commands::collect::run(&collect).into(),
        Command::Diagnose(diagnose) => commands::diagnose::run(&diagnose).into(),
        Command::Symptoms { command } => commands::symptoms::run(&command).into(),
        Command::TestIpFlow(question) => commands::test_ip_flow::run(&question).into(),
        Command::Policies { command } => commands::policies::run(&command).into(),
    }
}
