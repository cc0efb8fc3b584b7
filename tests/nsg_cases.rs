//! One named test for each case in `testdata/nsg`: `cargo test --test nsg_cases -- NAME`.
//!
//! A case is a file that `azaudit scan --from FILE` reads, with what is expected of the program beside the resources;
//! `testdata/nsg/README.md` describes it. The program is asked as a user asks it, by its command line, so a case holds
//! whatever computes the answer. An expectation that asks nothing, or something unknown, is a fault of the case.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    case: String,
    /// Each a [`Flow`] or a [`Policy`].
    expect: Vec<Value>,
    value: Vec<Value>,
}

/// One packet, asked of `test-ip-flow`.
#[derive(Deserialize)]
struct Flow {
    /// `Inbound TCP 203.0.113.7:50000 -> 10.0.1.4:3389`: as the packet travels, source first.
    flow: String,
    nic: Option<String>,
    vm: Option<String>,
    access: String,
    /// Further keys of the answer, each with the value that is expected; [`ANSWERS`] lists them.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// What may be asked of an answer beside its `access`.
const ANSWERS: [&str; 6] = ["ruleName", "level", "networkSecurityGroup", "priority", "sources", "sourceTags"];

/// One verdict, asked of `scan`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    policy: String,
    /// `NAME/ELEMENT`, or `NAME` where the subject has no element.
    subject: String,
    verdict: OneOf,
    severity: Option<String>,
    /// Values by JSON pointer into the evidence.
    #[serde(default)]
    evidence: Map<String, Value>,
    #[serde(rename = "messageContains")]
    message_contains: Option<String>,
}

/// One verdict, or several of which either will do.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOf {
    One(String),
    Either(Vec<String>),
}

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/nsg");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let trial = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        Trial::test(name, move || judge(&path))
    };
    let trials: Vec<Trial> = paths.into_iter().map(trial).collect();
    assert!(!trials.is_empty(), "testdata/nsg holds no case");
    // `cargo test nsg_cases -- NAME` hands over two filters, of which the first only names this suite.
    let arguments = std::env::args().filter(|argument| argument != "nsg_cases");
    libtest_mimic::run(&Arguments::from_iter(arguments), trials).exit();
}

fn judge(path: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let case: Case = serde_json::from_str(&text).map_err(|error| format!("not a case: {error}"))?;
    if case.expect.is_empty() || case.value.is_empty() {
        return Err("a case without expectations or without resources shows nothing".into());
    }
    let mut reports = BTreeMap::new();
    let mut wrong = Vec::new();
    for expectation in case.expect {
        let fault = |error| format!("not an expectation: {error}");
        let (asked, problems) = if expectation.get("flow").is_some() {
            let flow: Flow = serde_json::from_value(expectation).map_err(fault)?;
            let problems = ask(&flow, path).unwrap_or_else(|problem| vec![problem]);
            (flow.flow, problems)
        } else {
            let policy: Policy = serde_json::from_value(expectation).map_err(fault)?;
            let report = reports.entry(policy.policy.clone()).or_insert_with(|| scan(&policy.policy, path));
            let problems = report.as_ref().map_or_else(|error| vec![error.clone()], |report| policy.check(report));
            (format!("{} of {}", policy.policy, policy.subject), problems)
        };
        wrong.extend(problems.into_iter().map(|problem| format!("{asked}: {problem}")));
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n{}", case.case, wrong.join("\n")).into()) }
}

fn azaudit(arguments: &[&str], from: &Path) -> Result<Output, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_azaudit"));
    command.env_clear().args(arguments).arg("--from").arg(from).args(["--format", "json"]);
    command.output().map_err(|error| error.to_string())
}

/// What the command printed, if it ended with one of those exit codes.
fn json(output: &Output, exits: &[i32]) -> Result<Value, String> {
    let failure = |what: String| format!("{what}\n{}", String::from_utf8_lossy(&output.stderr).trim());
    if !output.status.code().is_some_and(|code| exits.contains(&code)) {
        return Err(failure(format!("{}, expected one of {exits:?}", output.status)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| failure(format!("no JSON on stdout: {error}")))
}

fn ask(flow: &Flow, from: &Path) -> Result<Vec<String>, String> {
    let words: Vec<&str> = flow.flow.split_whitespace().collect();
    let [direction, protocol, source, "->", destination] = words[..] else {
        return Err("not `DIRECTION PROTOCOL IP:PORT -> IP:PORT`".to_owned());
    };
    let (local, remote) = match direction {
        "Inbound" => (destination, source),
        "Outbound" => (source, destination),
        _ => return Err(format!("no direction: {direction}")),
    };
    if let Some(unknown) = flow.rest.keys().find(|key| !ANSWERS.contains(&key.as_str())) {
        return Err(format!("the case asks for an unknown key: {unknown}"));
    }
    let exit = match flow.access.as_str() {
        "Allow" => 0,
        "Deny" => 1,
        "Unknown" => 3,
        other => return Err(format!("no access: {other}")),
    };
    let mut arguments = vec!["test-ip-flow", "--direction", direction, "--protocol", protocol];
    arguments.extend(["--local", local, "--remote", remote]);
    arguments.extend(flow.nic.iter().flat_map(|name| ["--nic", name]));
    arguments.extend(flow.vm.iter().flat_map(|name| ["--vm", name]));
    let output = azaudit(&arguments, from)?;
    let answer = json(&output, &[0, 1, 3])?;

    let mut wrong = Vec::new();
    if answer["access"] != flow.access.as_str() || output.status.code() != Some(exit) {
        let code = output.status;
        wrong.push(format!("access {} and {code} instead of {} and exit code {exit}", answer["access"], flow.access));
    }
    for (key, expected) in &flow.rest {
        // A key that is missing is no null.
        match answer.get(key) {
            Some(found) if found == expected => {}
            found => wrong.push(format!("{key} {} instead of {expected}", shown(found))),
        }
    }
    Ok(wrong)
}

fn shown(value: Option<&Value>) -> String {
    value.map_or("missing".to_owned(), Value::to_string)
}

fn scan(policy: &str, from: &Path) -> Result<Value, String> {
    let moment = ["--now", "2026-01-01T00:00:00Z"];
    let arguments = [&["scan", "--policy", policy, "--show", "pass,notApplicable"], &moment[..]].concat();
    // 0 and 1 differ by `--fail-on`, 3 tells that something was not read: the verdicts say more.
    json(&azaudit(&arguments, from)?, &[0, 1, 3])
}

impl Policy {
    fn check(&self, report: &Value) -> Vec<String> {
        let results = report["results"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mine: Vec<&Value> = results.iter().filter(|result| self.is_about(&result["subject"])).collect();
        let [result] = mine[..] else {
            let subjects: Vec<String> = results.iter().map(|result| subject_of(&result["subject"])).collect();
            return vec![format!("{} results, of these subjects: {}", mine.len(), subjects.join(", "))];
        };
        let message = result["message"].as_str().unwrap_or_default();
        let mut wrong = Vec::new();
        if !self.verdict.admits(&result["verdict"]) {
            wrong.push(format!("{} instead of {}: {message}", result["verdict"], self.verdict.shown()));
        }
        if self.severity.as_deref().is_some_and(|severity| result["severity"] != severity) {
            wrong.push(format!("severity {} instead of {}", result["severity"], shown_text(&self.severity)));
        }
        if self.message_contains.as_deref().is_some_and(|part| !message.contains(part)) {
            wrong.push(format!("the message lacks {}: {message}", shown_text(&self.message_contains)));
        }
        for (pointer, expected) in &self.evidence {
            match result["evidence"].pointer(pointer) {
                Some(found) if found == expected => {}
                found => wrong.push(format!("evidence {pointer}: {} instead of {expected}", shown(found))),
            }
        }
        wrong
    }

    fn is_about(&self, subject: &Value) -> bool {
        subject_of(subject) == self.subject
    }
}

fn shown_text(text: &Option<String>) -> String {
    format!("{:?}", text.as_deref().unwrap_or_default())
}

fn subject_of(subject: &Value) -> String {
    let name = subject["name"].as_str().unwrap_or_default();
    subject["element"].as_str().map_or(name.to_owned(), |element| format!("{name}/{element}"))
}

impl OneOf {
    fn admits(&self, verdict: &Value) -> bool {
        match self {
            Self::One(one) => verdict == one.as_str(),
            Self::Either(either) => either.iter().any(|one| verdict == one.as_str()),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::One(one) => one.clone(),
            Self::Either(either) => either.join(" or "),
        }
    }
}
