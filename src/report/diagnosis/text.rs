//! The diagnosis in a terminal.

use std::io::{self, Write};

use super::words::{Words, words};
use super::{Diagnosis, Look, MOST, State, last, name};
use crate::events::EventLog;
use crate::policy::Judgement;
use crate::report::text::{grouped, visible};
use crate::report::{evidence, layout};
use crate::symptoms::{Catalogue, Language, Symptom};

/// Subjects of a policy that are named where they are not at fault.
const NAMED: usize = 3;

/// Writes it in lines of that many columns; commands stay on one line. Nothing where there is no symptom.
pub fn write(diagnosis: &Diagnosis, color: bool, width: u16, out: &mut dyn Write) -> io::Result<()> {
    let page = Page { words: words(diagnosis.language), language: diagnosis.language, color, width };
    if let Some(log) = &diagnosis.events {
        return page.log(log, out);
    }
    let Some(symptom) = diagnosis.symptom else { return Ok(()) };
    page.head(symptom, out)?;
    page.look(symptom, diagnosis.look.as_ref(), out)?;
    page.steps(symptom, out)
}

struct Page {
    words: &'static Words,
    language: Language,
    color: bool,
    width: u16,
}

const BOLD: &str = "1";
const ALARM: &str = "1;31";
const DOUBT: &str = "1;33";
const GOOD: &str = "1;32";

impl Page {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn paragraph(&self, indent: usize, text: &str, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}{}", " ".repeat(indent), layout::hanging(indent, self.width, &visible(text.trim())))
    }

    fn head(&self, symptom: &Symptom, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.paint(BOLD, &visible(symptom.title.get(self.language))))?;
        writeln!(out, "  {}", symptom.id)?;
        writeln!(out, "\n{}", self.paint(BOLD, self.words.cause))?;
        self.paragraph(2, symptom.cause.get(self.language), out)
    }

    fn look(&self, symptom: &Symptom, look: Option<&Look>, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out)?;
        let Some(look) = look else {
            return self.remark(&self.words.no_source.replace("{}", &symptom.id), out);
        };
        match () {
            () if look.policies == 0 => self.remark(self.words.not_azure, out)?,
            () if look.causes.is_empty() => self.remark(self.words.nothing, out)?,
            () => {
                self.found(look, out)?;
                self.others(look, State::CannotTell, out)?;
                self.others(look, State::RuledOut, out)?;
            }
        }
        if look.incomplete && look.policies > 0 {
            self.remark(self.words.incomplete, out)?;
        }
        Ok(())
    }

    fn remark(&self, text: &str, out: &mut dyn Write) -> io::Result<()> {
        self.paragraph(0, text, out)?;
        writeln!(out)
    }

    fn heading(&self, code: &str, text: &str, number: usize, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} ({number})", self.paint(code, text))
    }

    fn found(&self, look: &Look, out: &mut dyn Write) -> io::Result<()> {
        let found: Vec<&Judgement> = look.of(State::Found).collect();
        if found.is_empty() {
            return Ok(());
        }
        self.heading(ALARM, self.words.found, found.len(), out)?;
        for (i, judgement) in found.iter().take(MOST).enumerate() {
            if i > 0 {
                writeln!(out)?;
            }
            let Judgement { severity, policy, message, evidence, remediation, .. } = judgement;
            let name = name(judgement);
            writeln!(out, "  {}  {}  {}", severity.word().to_uppercase(), visible(&policy.id), visible(&name))?;
            self.paragraph(4, message, out)?;
            for line in evidence::lines(evidence, message) {
                self.paragraph(6, &line, out)?;
            }
            self.paragraph(4, &format!("{} {}", self.words.fix, remediation.text), out)?;
            for command in &remediation.commands {
                writeln!(out, "    {}", visible(command))?;
            }
        }
        self.rest(found.len(), out)?;
        writeln!(out)
    }

    fn rest(&self, number: usize, out: &mut dyn Write) -> io::Result<()> {
        match number.saturating_sub(MOST) {
            0 => Ok(()),
            rest => self.paragraph(2, &self.words.more.replace("{}", &rest.to_string()), out),
        }
    }

    /// What is not found, policy by policy: what is missing of each subject, or what rules it out.
    fn others(&self, look: &Look, state: State, out: &mut dyn Write) -> io::Result<()> {
        let mut all: Vec<&Judgement> = look.of(state).collect();
        if all.is_empty() {
            return Ok(());
        }
        let (code, text) = match state {
            State::RuledOut => (GOOD, self.words.ruled_out),
            _ => (DOUBT, self.words.cannot_tell),
        };
        self.heading(code, text, all.len(), out)?;
        all.sort_by(|a, b| a.policy.id.cmp(&b.policy.id));
        for group in all.chunk_by(|a, b| a.policy.id == b.policy.id) {
            self.paragraph(2, &format!("{}: {}", group[0].policy.id, group[0].policy.title), out)?;
            for judgement in group.iter().take(NAMED) {
                let grounds = match state {
                    State::RuledOut => evidence::lines(&judgement.evidence, &judgement.message).join("; "),
                    _ => missing(judgement),
                };
                let name = name(judgement);
                self.paragraph(4, &if grounds.is_empty() { name } else { format!("{name}: {grounds}") }, out)?;
            }
            if let Some(rest) = group.len().checked_sub(NAMED).filter(|rest| *rest > 0) {
                self.paragraph(4, &self.words.more.replace("{}", &rest.to_string()), out)?;
            }
        }
        writeln!(out)
    }

    /// What an event log holds, scenario by scenario with its steps.
    fn log(&self, log: &EventLog, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.words.read.replace("{}", &grouped(log.read)))?;
        if log.damaged > 0 {
            writeln!(out, "{}", self.words.damaged.replace("{}", &grouped(log.damaged)))?;
        }
        if log.scenarios.is_empty() {
            return self.paragraph(0, self.words.no_scenario, out);
        }
        for scenario in &log.scenarios {
            let Some(symptom) = Catalogue::builtin().get(&scenario.symptom) else { continue };
            writeln!(out)?;
            writeln!(out, "{}", self.paint(BOLD, &visible(symptom.title.get(self.language))))?;
            writeln!(out, "  {}", symptom.id)?;
            for kind in &scenario.ids {
                writeln!(out, "  {} × {} {}", grouped(kind.count), visible(&kind.source), kind.id)?;
            }
            if let Some(last) = last(scenario, self.words) {
                writeln!(out, "  {}", self.words.last.replace("{}", &last))?;
            }
            writeln!(out, "\n{}", self.paint(BOLD, self.words.cause))?;
            self.paragraph(2, symptom.cause.get(self.language), out)?;
            writeln!(out)?;
            self.steps(symptom, out)?;
        }
        Ok(())
    }

    fn steps(&self, symptom: &Symptom, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.paint(BOLD, self.words.steps))?;
        for (i, step) in symptom.steps.get(self.language).iter().enumerate() {
            writeln!(out, "  {}. {}", i + 1, layout::hanging(5, self.width, &visible(step)))?;
        }
        writeln!(out, "\n{}", self.paint(BOLD, self.words.articles))?;
        symptom.references.iter().try_for_each(|address| writeln!(out, "  {}", visible(address)))
    }
}

/// What is missing, and how to get it: the heading says already that it cannot be told.
fn missing(judgement: &Judgement) -> String {
    let told = |key: &str| judgement.evidence.get(key).and_then(serde_json::Value::as_str);
    match (told("missing"), told("howToGet")) {
        (Some(missing), Some(how)) => format!("{missing}; {how}"),
        _ => judgement.message.clone(),
    }
}
