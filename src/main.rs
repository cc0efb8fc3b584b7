//! The program: parse, run, exit code.

use std::process::ExitCode;

use azaudit::cli::{Cli, Command};
use azaudit::commands;
use clap::Parser;

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Scan(scan) => commands::scan::run(&scan).into(),
        Command::TestIpFlow(question) => commands::test_ip_flow::run(&question).into(),
    }
}
