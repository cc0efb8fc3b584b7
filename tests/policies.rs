//! One named test for each built-in policy: `cargo test --test policies -- NAME`.
//!
//! Its fixtures are `testdata/policies/ID.json` and `ID@DAY.json`, and they are judged as `azaudit policies test` does
//! ([`azaudit::fixtures`]); only when all subjects are as expected is the wording compared with the reviewed snapshot.
//! After a look at what changed, `INSTA_UPDATE=always cargo test --test policies` writes the snapshots anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use azaudit::fixtures::{self, Estate, Fixtures, Run, Tried};
use azaudit::policy::{Judgement, Policy, PolicySet};
use azaudit::report::policy_tests;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};

/// The folder of `policies` that holds no policies.
const SYMPTOMS: &str = "symptoms";

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let policies = policy_files(&root.join("policies"));
    let fixtures = Arc::new(Fixtures::in_folders(&[root.join("testdata/policies")]).expect("the fixtures' folder"));
    let mut trials = Vec::new();
    for (id, path) in &policies {
        let (path, fixtures) = (path.clone(), Arc::clone(&fixtures));
        trials.push(Trial::test(id.clone(), move || judge(&path, &fixtures)));
    }
    let ids: Vec<String> = policies.into_keys().collect();
    trials.push(Trial::test("all-policies-are-embedded", move || all_are_embedded(&ids)));
    trials.push(Trial::test("each-fixture-belongs-to-a-policy", move || each_belongs(&fixtures)));
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
    let embedded: Vec<&str> = set.iter().map(Policy::id).collect();
    if embedded == files { Ok(()) } else { Err(format!("embedded are {embedded:?}, on disk {files:?}").into()) }
}

fn each_belongs(fixtures: &Fixtures) -> Result<(), Failed> {
    let set = PolicySet::load(true, &[]).map_err(failed)?;
    outcome(&Run { trials: Vec::new(), strays: fixtures.strays(&set) })
}

fn judge(policy: &Path, fixtures: &Fixtures) -> Result<(), Failed> {
    let set = PolicySet::load(false, &[policy.to_owned()]).map_err(failed)?;
    let run = fixtures::run(&set, fixtures, Vec::new());
    outcome(&run)?;
    run.trials.iter().flat_map(|trial| &trial.estates).for_each(compare_wording);
    Ok(())
}

/// Fails as `azaudit policies test` tells it.
fn outcome(run: &Run) -> Result<(), Failed> {
    if run.ok() {
        return Ok(());
    }
    let mut told = Vec::new();
    policy_tests::text(run, &mut told)?;
    Err(String::from_utf8(told)?.into())
}

fn compare_wording(estate: &Estate) {
    let shown: Vec<Value> = estate.subjects.iter().map(shown).collect();
    let mut snapshot = json!({ "judgements": shown });
    if !estate.gaps.is_empty() {
        snapshot["gaps"] = json!(estate.gaps);
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/policies");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_json_snapshot!(estate.fixture.stem(), snapshot));
}

fn shown(tried: &Tried) -> Value {
    let Judgement { severity, verdict, subject, message, evidence, remediation, .. } = &tried.judgement;
    json!({
        "name": tried.name,
        "id": subject.id.to_string(),
        "verdict": verdict,
        "severity": severity,
        "message": message,
        "evidence": evidence,
        "remediation": remediation,
    })
}
