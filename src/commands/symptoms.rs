//! `azaudit symptoms`: what can be diagnosed.

use crate::cli::{ListFormat, ListSymptoms, ShowSymptom, SymptomCommand};
use crate::env;
use crate::error::Failure;
use crate::exit::Exit;
use crate::policy::PolicySet;
use crate::printer::Printer;
use crate::report::symptoms as report;
use crate::symptoms::{Catalogue, Language};

/// Runs the command; what went wrong is told on stderr.
pub fn run(command: &SymptomCommand) -> Exit {
    let printer = Printer::new(false, 0, false);
    let done = match command {
        SymptomCommand::List(arguments) => list(arguments, &printer),
        SymptomCommand::Show(arguments) => show(arguments, &printer),
    };
    match done {
        Ok(()) => Exit::Clean,
        Err(failure) => {
            printer.error(failure);
            Exit::NothingAudited
        }
    }
}

fn language(asked: Option<Language>) -> Language {
    asked.unwrap_or_else(|| Language::of_environment(&env::var))
}

fn list(arguments: &ListSymptoms, printer: &Printer) -> Result<(), Failure> {
    let policies = builtin()?;
    let (catalogue, language) = (Catalogue::builtin(), language(arguments.lang));
    printer.print(|out| match arguments.format {
        ListFormat::Json => report::json(catalogue.symptoms(), &policies, out),
        ListFormat::Table => report::table(catalogue.symptoms(), language, printer.width(), out),
    })
}

fn show(arguments: &ShowSymptom, printer: &Printer) -> Result<(), Failure> {
    let (catalogue, language) = (Catalogue::builtin(), language(arguments.lang));
    let symptom = catalogue.get(&arguments.id).ok_or_else(|| {
        let ids = catalogue.symptoms().iter().map(|it| it.id.as_str());
        let hint = crate::policy::did_you_mean(&arguments.id, ids);
        let failure = Failure::new(format!("no symptom `{}`", arguments.id));
        failure.hint(hint.unwrap_or_else(|| "`azaudit symptoms list` names them all".to_owned()))
    })?;
    let policies = builtin()?;
    printer.print(|out| match arguments.format {
        ListFormat::Json => report::json_of_one(symptom, &policies, out),
        ListFormat::Table => report::text(symptom, &policies, language, printer.width(), out),
    })
}

fn builtin() -> Result<PolicySet, Failure> {
    super::policies::load(true, &[])
}
