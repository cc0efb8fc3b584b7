//! Recorded ARM JSON of other origins, where the folder is there: every file is read without a crash, and what is
//! not taken in is named.

use std::path::{Path, PathBuf};

use azaudit::inventory::{Inventory, collect};
use azaudit::source::offline;

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|it| it == "json") {
            into.push(path);
        }
    }
}

fn read(path: &Path) -> Inventory {
    let paths = [path.to_owned()];
    let (result, inventory) = collect(|sink| offline::read(&paths, &mut std::io::empty(), sink));
    result.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    inventory
}

/// The JSON files in that folder of the recordings; none where the recordings are not there.
fn recorded(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/recordings").join(folder);
    let mut found = Vec::new();
    files(&root, &mut found);
    found.sort();
    found
}

#[test]
fn every_recorded_file_is_taken_in_or_named() {
    let mut silent = Vec::new();
    for path in recorded("") {
        let inventory = read(&path);
        let [input] = inventory.inputs.as_slice() else { panic!("{}: not one input", path.display()) };
        let taken = input.resources > 0 || !inventory.metrics.is_empty() || !inventory.sessions.is_empty();
        // An empty list is an answer too.
        if !taken && inventory.gaps.is_empty() && !input.shape.starts_with("arm-") {
            silent.push(path);
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn recorded_answers_of_arm_are_typed_without_a_loss() {
    let mut lost = Vec::new();
    for path in recorded("arm-rest/recorded") {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // No resources of their own: errors, effective rules, learned routes; and parts of one that is not there.
        if ["error.", "effective-", "bgp-", "health.", "routes.", "securityrules."]
            .iter()
            .any(|other| name.starts_with(other))
        {
            continue;
        }
        let inventory = read(&path);
        lost.extend(inventory.gaps.iter().map(|gap| format!("{name}: {} {} {}", gap.what, gap.reason, gap.detail)));
    }
    assert_eq!(lost, [""; 0]);
}

#[test]
fn every_recorded_template_is_named_and_read() {
    let mut odd = Vec::new();
    for path in recorded("arm-templates") {
        let inventory = read(&path);
        let [input] = inventory.inputs.as_slice() else { panic!("{}: not one input", path.display()) };
        let parameters = path.to_string_lossy().ends_with("parameters.json");
        let named = input.shape == if parameters { "arm-parameters" } else { "arm-template" };
        // What is told of parameters is a remark; a template deploys something, or a gap says what it links to.
        let read =
            if parameters { !inventory.notes.is_empty() } else { input.resources > 0 || !inventory.gaps.is_empty() };
        // Written by hand: what is said of them is that a value is not told, never that the template is damaged.
        let misread =
            inventory.gaps.iter().any(|gap| gap.what == "file" && gap.reason == azaudit::source::Reason::Damaged);
        if !named || !read || misread {
            odd.push((path, input.shape.clone(), inventory.gaps));
        }
    }
    assert!(odd.is_empty(), "{odd:#?}");
}
