//! `azaudit diagnose`: from what a user saw to the cause in Azure, and to what is left to do elsewhere.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use time::OffsetDateTime;

use super::gather::{gather, tell_gaps};
use super::settings::{Settings, check_cloud};
use crate::cli::{Diagnose, DiagnosisFormat};
use crate::env;
use crate::error::Failure;
use crate::events::{self, EventPair, Scenario};
use crate::exit::Exit;
use crate::facts::belonging::Belonging;
use crate::facts::{Context, Options};
use crate::inventory::Inventory;
use crate::policy::{Severity, Verdicts};
use crate::printer::Printer;
use crate::report::diagnosis::{self as report, Diagnosis, Look};
use crate::report::order_of_gaps;
use crate::source::Gap;
use crate::symptoms::{self, Answer, Catalogue, Language, Match, Symptom};
use crate::visible::visible;

/// The longest text that standard input is read for.
const MAX_INPUT: u64 = 4 << 20;
/// Near symptoms that are named.
const NEAR: usize = 5;

/// Runs the command; what went wrong is told on stderr.
pub fn run(arguments: &Diagnose) -> Exit {
    let printer = Printer::new(arguments.quiet, arguments.verbose, arguments.no_color);
    printer.trace();
    diagnose(arguments, &printer).unwrap_or_else(|failure| {
        printer.error(failure);
        Exit::NothingAudited
    })
}

fn diagnose(arguments: &Diagnose, printer: &Printer) -> Result<Exit, Failure> {
    let language = arguments.lang.unwrap_or_else(|| Language::of_environment(&env::var));
    if let Some(path) = &arguments.events {
        return events(path, language, arguments, printer);
    }
    let text = text(arguments)?;
    let Match { answer, matches } = symptoms::find(&text);
    let mut diagnosis = Diagnosis { matches, ..Diagnosis::of_nothing(language) };
    let Answer::One(id) = answer else {
        print(&diagnosis, arguments, printer)?;
        return Err(no_symptom(&answer, language));
    };
    diagnosis.symptom = Catalogue::builtin().get(&id);
    if arguments.has_source() {
        diagnosis.look = Some(look(&id, arguments, printer)?);
    }
    print(&diagnosis, arguments, printer)?;
    Ok(diagnosis.exit())
}

/// Which scenarios an event log tells.
fn events(path: &Path, language: Language, arguments: &Diagnose, printer: &Printer) -> Result<Exit, Failure> {
    if arguments.has_source() {
        let hint = "diagnose the log first, then the symptom that it names: azaudit diagnose ID --subscription NAME";
        return Err(Failure::new("an event log is read without looking into Azure").hint(hint));
    }
    let scenarios = scenarios();
    let read = match path.as_os_str() == "-" {
        true => events::read(std::io::stdin().lock(), &scenarios),
        false => events::read_file(path, &scenarios),
    };
    let shown = path.display().to_string();
    let log = match read {
        Ok(log) => log,
        Err(error) => {
            print(&Diagnosis::of_nothing(language), arguments, printer)?;
            return Err(Failure::new(format!("{}: {error}", visible(&shown))).hint(error.hint()));
        }
    };
    if log.damaged > 0 {
        let damaged = crate::count::counted(log.damaged, "damaged event");
        printer.warning(format!("`{shown}`: {damaged} could not be read"));
    }
    let diagnosis = Diagnosis { events: Some(log), ..Diagnosis::of_nothing(language) };
    print(&diagnosis, arguments, printer)?;
    Ok(diagnosis.exit())
}

/// The symptoms that events tell.
fn scenarios() -> Vec<Scenario> {
    let with_events = Catalogue::builtin().symptoms().iter().filter(|symptom| !symptom.events.is_empty());
    let scenario = |symptom: &Symptom| {
        let pairs = symptom.events.iter().map(|it| EventPair { sources: it.source.clone(), id: it.id });
        Scenario { symptom: symptom.id.clone(), events: pairs.collect() }
    };
    with_events.map(scenario).collect()
}

/// The words of the command line, or standard input.
fn text(arguments: &Diagnose) -> Result<String, Failure> {
    if arguments.text != ["-"] {
        return Ok(arguments.text.join(" "));
    }
    if arguments.source.from.iter().any(|path| path.as_os_str() == "-") {
        return Err(Failure::new("standard input cannot be the text and the export")
            .hint("save one of them to a file, or write the text on the command line"));
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(MAX_INPUT).read_to_end(&mut bytes);
    read.map_err(|error| Failure::new(format!("cannot read standard input: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn no_symptom(answer: &Answer, language: Language) -> Failure {
    let list = "`azaudit symptoms list` names them all; paste the whole message, or the error code alone";
    let Answer::Several(ids) = answer else {
        return Failure::new("no symptom that azaudit knows is like this text").hint(list);
    };
    let catalogue = Catalogue::builtin();
    let lines = ids.iter().take(NEAR).filter_map(|id| catalogue.get(id));
    let lines: Vec<String> = lines.map(|it| format!("\n  {}: {}", it.id, it.title.get(language))).collect();
    let said = match ids.len() {
        1 => "this is near one symptom, but not surely meant",
        _ => "several symptoms are near",
    };
    let hint = format!("name the one that is meant: azaudit diagnose {}", ids.first().map_or("ID", String::as_str));
    Failure::new(format!("{said}:{}", lines.concat())).hint(hint)
}

/// Asks the policies that explain the symptom.
fn look(id: &str, arguments: &Diagnose, printer: &Printer) -> Result<Look, Failure> {
    let now = arguments.now.unwrap_or_else(OffsetDateTime::now_utc);
    let mut settings = Settings::read(&arguments.policies, printer)?;
    let policies = &mut settings.policies;
    policies.retain(|policy| policy.explains(id));
    if policies.is_empty() {
        return Ok(Look::new(0, Vec::new(), false));
    }
    let whole = policies.resource_types().collect();
    let (origin, inventory) = gather(&arguments.source, now, &whole, printer)?;
    origin.cloud.iter().for_each(|cloud| check_cloud(&settings.service_tags, cloud, printer));
    let options = Options {
        now,
        rdp_port: settings.rdp_port,
        cloud: origin.named_cloud,
        service_tags: Arc::clone(&settings.service_tags),
    };
    let context = Context { inventory: &inventory, options: &options };
    let belonging = belonging(&inventory, arguments).map_err(|failure| tell_gaps(&inventory, printer, failure))?;
    let (mut judgements, _) = policies.audit(context, Verdicts::ALL, Severity::Info);
    judgements.retain(|judgement| {
        let subject = &judgement.subject;
        let group = arguments.source.resource_group.as_ref();
        belonging.as_ref().is_none_or(|it| it.contains(subject))
            && group.is_none_or(|group| subject.id.resource_group().to_lowercase() == group.to_lowercase())
    });

    let mut gaps: Vec<&Gap> = inventory.gaps.iter().collect();
    gaps.sort_by(|a, b| order_of_gaps(a, b));
    gaps.iter().for_each(|gap| printer.gap(gap));
    Ok(Look::new(policies.len(), judgements, !gaps.is_empty()))
}

/// What `--gateway` and `--vm` leave; `None`: all.
fn belonging(inventory: &Inventory, arguments: &Diagnose) -> Result<Option<Belonging>, Failure> {
    let gateway = arguments.gateway.as_ref().map(|named| Belonging::of_gateway(inventory, named));
    let machine = arguments.vm.as_ref().map(|named| Belonging::of_machine(inventory, named));
    let (gateway, machine) = (gateway.transpose().map_err(Failure::new)?, machine.transpose().map_err(Failure::new)?);
    Ok(match (gateway, machine) {
        (Some(gateway), Some(machine)) => Some(gateway.and(machine)),
        (one, other) => one.or(other),
    })
}

fn print(diagnosis: &Diagnosis, arguments: &Diagnose, printer: &Printer) -> Result<(), Failure> {
    printer.print(|out| match arguments.format {
        DiagnosisFormat::Json => report::json(diagnosis, out),
        DiagnosisFormat::Markdown => report::markdown(diagnosis, out),
        DiagnosisFormat::Text => report::text(diagnosis, printer.color(), printer.width(), out),
    })
}
