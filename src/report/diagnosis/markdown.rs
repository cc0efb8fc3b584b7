//! The diagnosis for a ticket, in Markdown as GitHub, Azure DevOps and most ticket systems read it.

use std::io::{self, Write};

use super::words::words;
use super::{Diagnosis, Look, MOST, State, last, name};
use crate::events::EventLog;
use crate::policy::Judgement;
use crate::report::evidence;
use crate::report::markdown::{code, code_block, escaped};
use crate::report::text::grouped;
use crate::symptoms::{Catalogue, Language, Symptom};

/// Writes it. Nothing where there is no symptom.
pub fn write(diagnosis: &Diagnosis, out: &mut dyn Write) -> io::Result<()> {
    if let Some(log) = &diagnosis.events {
        return events(log, diagnosis.language, out);
    }
    let Diagnosis { symptom: Some(symptom), language, look, .. } = diagnosis else { return Ok(()) };
    let words = words(*language);
    writeln!(out, "## {}\n", escaped(symptom.title.get(*language)))?;
    writeln!(out, "{}\n", code(&symptom.id))?;
    writeln!(out, "**{}**: {}\n", words.cause, escaped(symptom.cause.get(*language)))?;
    match look {
        None => writeln!(out, "{}\n", escaped(&words.no_source.replace("{}", &symptom.id)))?,
        Some(look) if look.policies == 0 => writeln!(out, "{}\n", escaped(words.not_azure))?,
        Some(look) => causes(look, *language, out)?,
    }
    steps(symptom, *language, out)
}

fn causes(look: &Look, language: Language, out: &mut dyn Write) -> io::Result<()> {
    let words = words(language);
    if look.causes.is_empty() {
        writeln!(out, "{}\n", escaped(words.nothing))?;
    }
    for (state, heading) in State::ALL.into_iter().zip([words.found, words.cannot_tell, words.ruled_out]) {
        let all: Vec<&Judgement> = look.of(state).collect();
        if all.is_empty() {
            continue;
        }
        writeln!(out, "### {} ({})\n", escaped(heading), all.len())?;
        for judgement in all.iter().take(MOST) {
            cause(state, judgement, words.fix, out)?;
        }
        if let Some(rest) = all.len().checked_sub(MOST).filter(|rest| *rest > 0) {
            writeln!(out, "- {}", escaped(&words.more.replace("{}", &rest.to_string())))?;
        }
        writeln!(out)?;
    }
    if look.incomplete {
        writeln!(out, "{}\n", escaped(words.incomplete))?;
    }
    Ok(())
}

fn cause(state: State, judgement: &Judgement, fix: &str, out: &mut dyn Write) -> io::Result<()> {
    let Judgement { severity, policy, message, evidence, remediation, .. } = judgement;
    let severity = if state == State::Found { format!("**{}** ", severity.word()) } else { String::new() };
    writeln!(out, "- {severity}{} {}: {}", code(&policy.id), code(&name(judgement)), escaped(message))?;
    for line in evidence::lines(evidence, message) {
        writeln!(out, "  - {}", escaped(&line))?;
    }
    if state == State::Found {
        writeln!(out, "  - {fix} {}", escaped(&remediation.text))?;
        if !remediation.commands.is_empty() {
            writeln!(out, "\n{}", code_block("sh", &remediation.commands.join("\n"), 4))?;
        }
    }
    Ok(())
}

fn events(log: &EventLog, language: Language, out: &mut dyn Write) -> io::Result<()> {
    let words = words(language);
    writeln!(out, "{}", escaped(&words.read.replace("{}", &grouped(log.read))))?;
    if log.damaged > 0 {
        writeln!(out, "{}", escaped(&words.damaged.replace("{}", &grouped(log.damaged))))?;
    }
    writeln!(out)?;
    if log.scenarios.is_empty() {
        return writeln!(out, "{}", escaped(words.no_scenario));
    }
    for scenario in &log.scenarios {
        let Some(symptom) = Catalogue::builtin().get(&scenario.symptom) else { continue };
        writeln!(out, "## {}\n\n{}\n", escaped(symptom.title.get(language)), code(&symptom.id))?;
        for kind in &scenario.ids {
            writeln!(out, "- {} × {} {}", grouped(kind.count), code(&kind.source), kind.id)?;
        }
        if let Some(last) = last(scenario, words) {
            writeln!(out, "- {}", escaped(&words.last.replace("{}", &last)))?;
        }
        writeln!(out, "\n**{}**: {}\n", words.cause, escaped(symptom.cause.get(language)))?;
        steps(symptom, language, out)?;
        writeln!(out)?;
    }
    Ok(())
}

fn steps(symptom: &Symptom, language: Language, out: &mut dyn Write) -> io::Result<()> {
    let words = words(language);
    writeln!(out, "### {}\n", escaped(words.steps))?;
    for (i, step) in symptom.steps.get(language).iter().enumerate() {
        writeln!(out, "{}. {}", i + 1, escaped(step))?;
    }
    writeln!(out, "\n### {}\n", escaped(words.articles))?;
    symptom.references.iter().try_for_each(|address| writeln!(out, "- <{address}>"))
}
