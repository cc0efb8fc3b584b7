//! One named test for each built-in policy: `cargo test --test policies -- NAME`.
//!
//! `testdata/policies/ID.json` is the smallest estate that shows the policy at work. The name of each of its
//! subjects starts with the verdict that is expected (`passes-`, `fails-`, `unknown-`, `notapplicable-`); only when
//! all of them are as expected is the wording compared with the reviewed snapshot. After a look at what changed,
//! `INSTA_UPDATE=always cargo test --test policies` writes the snapshots anew.
//!
//! Estates are judged at the beginning of 2026; `ID@2027-03-31.json` is a further estate of that policy, judged at the
//! beginning of that day. Somewhere in its estates each policy has to fail and to pass.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use azaudit::facts::{Context, Identity, Options, SubjectKind};
use azaudit::inventory::{self, Inventory};
use azaudit::policy::{Judgement, PolicySet, Severity, Verdict, Verdicts};
use azaudit::source::offline;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;

/// The folder of `policies` that holds no policies.
const SYMPTOMS: &str = "symptoms";

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let policies = policy_files(&root.join("policies"));
    let fixtures = by_stem(&files(&root.join("testdata/policies"), "json"));
    let mut trials = Vec::new();
    for (id, path) in &policies {
        let (id, path) = (id.clone(), path.clone());
        let fixtures: Vec<PathBuf> =
            fixtures.iter().filter(|(stem, _)| policy_of(stem) == id).map(|(_, path)| path.clone()).collect();
        trials.push(Trial::test(id.clone(), move || match fixtures.is_empty() {
            false => judge_fixtures(&path, &fixtures),
            true => Err(format!("testdata/policies/{id}.json is missing").into()),
        }));
    }
    for id in fixtures.keys().filter(|stem| !policies.contains_key(policy_of(stem))) {
        let message = format!("testdata/policies/{id}.json belongs to no policy");
        trials.push(Trial::test(id.clone(), move || Err(message.into())));
    }
    let ids: Vec<String> = policies.into_keys().collect();
    trials.push(Trial::test("all-policies-are-embedded", move || all_are_embedded(&ids)));
    // `cargo test policies -- NAME` hands over two filters, of which the first only names this suite.
    let arguments = std::env::args().filter(|argument| argument != "policies");
    libtest_mimic::run(&Arguments::from_iter(arguments), trials).exit();
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

fn by_stem(paths: &[PathBuf]) -> BTreeMap<String, PathBuf> {
    paths.iter().map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path.clone())).collect()
}

fn policy_files(dir: &Path) -> BTreeMap<String, PathBuf> {
    let areas = std::fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path());
    let areas = areas.filter(|path| path.is_dir() && path.file_name().is_some_and(|name| name != SYMPTOMS));
    by_stem(&areas.flat_map(|area| files(&area, "yaml")).collect::<Vec<_>>())
}

fn failed(errors: impl IntoIterator<Item = impl ToString>) -> Failed {
    errors.into_iter().map(|error| error.to_string()).collect::<Vec<_>>().join("\n").into()
}

fn all_are_embedded(files: &[String]) -> Result<(), Failed> {
    let set = PolicySet::load(true, &[]).map_err(failed)?;
    let embedded: Vec<&str> = set.iter().map(azaudit::policy::Policy::id).collect();
    if embedded == files { Ok(()) } else { Err(format!("embedded are {embedded:?}, on disk {files:?}").into()) }
}

fn read(fixture: &Path) -> Result<Inventory, Failed> {
    let paths = [fixture.to_owned()];
    let (result, inventory) = inventory::collect(|sink| offline::read(&paths, &mut std::io::empty(), sink));
    result.map_err(|error| failed([error]))?;
    Ok(inventory)
}

/// The id of the policy that an estate of that name is for.
fn policy_of(stem: &str) -> &str {
    stem.split('@').next().unwrap_or(stem)
}

/// The moment at which an estate of that name is judged.
fn moment_of(stem: &str) -> Result<OffsetDateTime, Failed> {
    let Some((_, day)) = stem.split_once('@') else { return Ok(datetime!(2026-01-01 00:00 UTC)) };
    let moment = OffsetDateTime::parse(&format!("{day}T00:00:00Z"), &Rfc3339);
    moment.map_err(|error| format!("`{day}` in `{stem}.json` is no day: {error}").into())
}

fn judge_fixtures(policy: &Path, fixtures: &[PathBuf]) -> Result<(), Failed> {
    let set = PolicySet::load(false, &[policy.to_owned()]).map_err(failed)?;
    let (mut wrong, mut found) = (Vec::new(), Vec::new());
    for fixture in fixtures {
        judge_fixture(&set, fixture, &mut wrong, &mut found)?;
    }
    for verdict in [Verdict::Fail, Verdict::Pass] {
        if !found.contains(&verdict) {
            wrong.push(format!("no subject with the verdict {}", verdict.word()));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(failed(wrong)) }
}

fn judge_fixture(
    set: &PolicySet,
    fixture: &Path,
    wrong: &mut Vec<String>,
    found: &mut Vec<Verdict>,
) -> Result<(), Failed> {
    let stem = fixture.file_stem().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
    let inventory = read(fixture)?;
    let options = Options::at(moment_of(stem)?);
    let context = Context { inventory: &inventory, options: &options };
    let (mut judgements, _) = set.audit(context, Verdicts::ALL, Severity::Info);
    judgements.sort_by_cached_key(|judgement| (display_name(&judgement.subject), judgement.subject.id.to_string()));

    let before = wrong.len();
    wrong.extend(judgements.iter().filter_map(unexpected));
    found.extend(judgements.iter().map(|judgement| judgement.verdict));
    if wrong.len() == before {
        compare_wording(stem, &judgements, &inventory);
    }
    Ok(())
}

/// The name that tells the expected verdict.
fn display_name(subject: &Identity) -> String {
    let name = match subject.kind {
        // `VNET/GatewaySubnet`
        SubjectKind::GatewaySubnet => subject.name.split('/').next().unwrap_or_default(),
        _ => subject.element.as_deref().unwrap_or(&subject.name),
    };
    name.to_owned()
}

fn unexpected(judgement: &Judgement) -> Option<String> {
    let name = display_name(&judgement.subject);
    let expected = match name.split('-').next().unwrap_or_default() {
        "passes" => Verdict::Pass,
        "fails" => Verdict::Fail,
        "unknown" => Verdict::Unknown,
        "notapplicable" => Verdict::NotApplicable,
        _ => return Some(format!("the name `{name}` does not start with a verdict")),
    };
    let (found, message) = (judgement.verdict, &judgement.message);
    (found != expected).then(|| format!("`{name}`: {} instead of {}: {message}", found.word(), expected.word()))
}

fn compare_wording(name: &str, judgements: &[Judgement], inventory: &Inventory) {
    let shown: Vec<Value> = judgements.iter().map(shown).collect();
    let mut snapshot = json!({ "judgements": shown });
    if !inventory.gaps.is_empty() {
        snapshot["gaps"] = json!(inventory.gaps);
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/policies");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_json_snapshot!(name, snapshot));
}

fn shown(judgement: &Judgement) -> Value {
    let Judgement { severity, verdict, subject, message, evidence, remediation, .. } = judgement;
    json!({
        "name": display_name(subject),
        "id": subject.id.to_string(),
        "verdict": verdict,
        "severity": severity,
        "message": message,
        "evidence": evidence,
        "remediation": remediation,
    })
}
