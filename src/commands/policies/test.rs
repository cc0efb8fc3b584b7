//! `azaudit policies test`: policies over their own fixtures.

use crate::cli::{ListFormat, TestPolicies};
use crate::error::Failure;
use crate::exit::Exit;
use crate::fixtures::{self, Fixtures};
use crate::printer::Printer;
use crate::report::policy_tests as report;

/// Tests the policies of the folders; nothing is judged where one of them does not load.
pub(super) fn run(arguments: &TestPolicies, printer: &Printer) -> Result<Exit, Failure> {
    let mut policies = super::load(false, &arguments.folders)?;
    let fixtures = match arguments.fixtures.as_slice() {
        [] => Fixtures::of_policies(&arguments.folders),
        folders => Fixtures::in_folders(folders),
    };
    let fixtures = fixtures.map_err(Failure::new)?;
    // Whoever asks for some policies does not ask about the others' files.
    let strays = if arguments.policy.is_empty() { fixtures.strays(&policies) } else { Vec::new() };
    policies.select(&arguments.policy, &[]).map_err(Failure::new)?;

    let run = fixtures::run(&policies, &fixtures, strays);
    printer.print(|out| match arguments.format {
        ListFormat::Table => report::text(&run, out),
        ListFormat::Json => report::json(&run, out),
    })?;
    Ok(match () {
        () if run.unreadable() => Exit::NothingAudited,
        () if run.ok() => Exit::Clean,
        () => Exit::Findings,
    })
}
