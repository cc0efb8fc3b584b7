//! What the tests of policies found, for people and for machines.

use std::io::{self, Write};

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::text::visible;
use crate::count::counted;
use crate::fixtures::{Estate, Problem, Run, Trial, Tried};
use crate::policy::Verdict;

/// The schema's name in [`json`].
const SCHEMA: &str = "azaudit.policy-test/v1";

/// Writes a line for each policy, below it what is wrong, and a summary.
pub fn text(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    for trial in &run.trials {
        let subjects = counted(trial.subjects(), "subject");
        writeln!(out, "{}{}: {subjects}", word(trial.ok()), trial.policy)?;
        for estate in &trial.estates {
            write_estate(estate, out)?;
        }
        for problem in &trial.problems {
            write_problem(problem, "  ", out)?;
        }
    }
    for (fixture, problem) in &run.strays {
        writeln!(out, "{}{}", word(false), visible(&fixture.path.to_string_lossy()))?;
        write_problem(problem, "  ", out)?;
    }
    let trials = &run.trials;
    let right = trials.iter().filter(|trial| trial.ok()).count();
    let wrong = trials.len() - right;
    write!(out, "{}: {right} ok, {wrong} failed", counted(trials.len() as u64, "policy"))?;
    match run.strays.len() {
        0 => writeln!(out),
        strays => writeln!(out, "; {} of no policy", counted(strays as u64, "fixture")),
    }
}

fn word(ok: bool) -> &'static str {
    if ok { "ok      " } else { "FAILED  " }
}

/// Of a fixture in which nothing is remarkable, nothing.
fn write_estate(estate: &Estate, out: &mut dyn Write) -> io::Result<()> {
    if estate.ok() && estate.gaps.is_empty() {
        return Ok(());
    }
    let day = estate.now.map_or_else(String::new, |now| format!(" (judged at {})", now.date()));
    writeln!(out, "  {}{day}", visible(&estate.fixture.path.to_string_lossy()))?;
    for gap in &estate.gaps {
        writeln!(out, "    gap: {}: {}: {}", visible(&gap.what), gap.reason, visible(&gap.detail))?;
    }
    for tried in estate.subjects.iter().filter(|tried| !tried.ok()) {
        write_wrong(tried, out)?;
    }
    estate.problems.iter().try_for_each(|problem| write_problem(problem, "    ", out))
}

fn write_wrong(tried: &Tried, out: &mut dyn Write) -> io::Result<()> {
    let found = tried.judgement.verdict;
    let message = visible(&tried.judgement.message);
    let name = visible(&tried.name);
    match tried.expected {
        _ if tried.went_wrong() => writeln!(out, "    {name}: the policy went wrong")?,
        Some(expected) => writeln!(out, "    {name}: expected {}, found {}", expected.word(), found.word())?,
        None => {
            let owner = visible(&tried.judgement.subject.name);
            let of = if owner == name { String::new() } else { format!(" of {owner}") };
            writeln!(out, "    {name}{of}: no verdict expected, found {}", found.word())?;
        }
    }
    writeln!(out, "      message: {message}")?;
    // An unknown says what is missing, and a claim about others rests on nothing.
    if matches!(found, Verdict::Pass | Verdict::Fail) && !tried.judgement.evidence.is_empty() {
        let evidence = Value::Object(tried.judgement.evidence.clone()).to_string();
        writeln!(out, "      evidence: {}", visible(&evidence))?;
    }
    Ok(())
}

fn write_problem(problem: &Problem, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{indent}{}", visible(&problem.message))?;
    problem.hint.iter().try_for_each(|hint| writeln!(out, "{indent}hint: {}", visible(hint)))
}

/// Writes one object with all subjects, whether as expected or not.
pub fn json(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let trials: Vec<Value> = run.trials.iter().map(trial_json).collect();
    let strays = run.strays.iter().map(|(fixture, problem)| {
        let Problem { message, hint } = problem;
        json!({ "path": fixture.path.to_string_lossy(), "message": message, "hint": hint })
    });
    let document = json!({
        "schema": SCHEMA,
        "summary": {
            "policies": run.trials.len(),
            "ok": run.trials.iter().filter(|trial| trial.ok()).count(),
            "failed": run.trials.iter().filter(|trial| !trial.ok()).count(),
            "subjects": run.trials.iter().map(Trial::subjects).sum::<u64>(),
        },
        "policies": trials,
        "strays": strays.collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn trial_json(trial: &Trial) -> Value {
    json!({
        "policy": trial.policy,
        "path": trial.path,
        "ok": trial.ok(),
        "problems": problems_json(&trial.problems),
        "fixtures": trial.estates.iter().map(estate_json).collect::<Vec<_>>(),
    })
}

fn problems_json(problems: &[Problem]) -> Value {
    problems.iter().map(|Problem { message, hint }| json!({ "message": message, "hint": hint })).collect()
}

fn estate_json(estate: &Estate) -> Value {
    json!({
        "path": estate.fixture.path.to_string_lossy(),
        "now": estate.now.and_then(|now| now.format(&Rfc3339).ok()),
        "ok": estate.ok(),
        "problems": problems_json(&estate.problems),
        "gaps": estate.gaps,
        "subjects": estate.subjects.iter().map(tried_json).collect::<Vec<_>>(),
    })
}

fn tried_json(tried: &Tried) -> Value {
    let it = &tried.judgement;
    json!({
        "name": tried.name,
        "id": it.subject.id.to_string(),
        "ok": tried.ok(),
        "expected": tried.expected,
        "found": it.verdict,
        "message": it.message,
        "evidence": it.evidence,
    })
}
