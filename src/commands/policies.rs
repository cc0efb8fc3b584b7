//! `azaudit policies`: what is judged by.

mod show;
mod test;

use std::path::PathBuf;

use crate::cli::{ListFormat, ListPolicies, PolicyCommand};
use crate::count::counted;
use crate::error::Failure;
use crate::exit::Exit;
use crate::policy::{self, PolicySet};
use crate::printer::Printer;
use crate::report::policies as report;

/// Runs the command; what went wrong is told on stderr.
pub fn run(command: &PolicyCommand) -> Exit {
    let no_color = matches!(command, PolicyCommand::List(list) if list.no_color);
    let printer = Printer::new(false, 0, no_color);
    let done = match command {
        PolicyCommand::List(arguments) => list(arguments, &printer).map(|()| Exit::Clean),
        PolicyCommand::Show(arguments) => show::run(arguments, &printer).map(|()| Exit::Clean),
        PolicyCommand::Check { folders } => check(folders, &printer).map(|()| Exit::Clean),
        PolicyCommand::Test(arguments) => test::run(arguments, &printer),
        PolicyCommand::Schema => schema(&printer).map(|()| Exit::Clean),
    };
    done.unwrap_or_else(|failure| {
        printer.error(failure);
        Exit::NothingAudited
    })
}

fn list(arguments: &ListPolicies, printer: &Printer) -> Result<(), Failure> {
    let mut policies = load(!arguments.no_builtin_policies, &arguments.policies)?;
    policies.select(&arguments.policy, &[]).map_err(Failure::new)?;
    printer.print(|out| match arguments.format {
        ListFormat::Json => report::json(&policies, out),
        ListFormat::Table => report::table(&policies, printer.width(), out),
    })
}

fn check(folders: &[PathBuf], printer: &Printer) -> Result<(), Failure> {
    let policies = load(false, folders)?;
    printer.print(|out| writeln!(out, "{} without a fault", counted(policies.len() as u64, "policy")))
}

fn schema(printer: &Printer) -> Result<(), Failure> {
    printer.print(|out| writeln!(out, "{:#}", policy::json_schema()))
}

pub(super) fn load(builtin: bool, folders: &[PathBuf]) -> Result<PolicySet, Failure> {
    PolicySet::load(builtin, folders).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::new(lines.join("\n"))
    })
}
