//! The table of the specification that says which policies explain which symptom, against the built-in policies. Skips
//! itself where the specification is missing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use azaudit::policy::PolicySet;

const HEADING: &str = "## Which policies explain which symptom";

/// The rows of the table: a symptom and its policies. A name that starts with a hyphen continues the prefix that the
/// specification names.
fn rows(specification: &str) -> BTreeMap<String, Vec<String>> {
    let (_, table) = specification.split_once(HEADING).expect("the heading of the table");
    let lines = table.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let cells = lines.take_while(|line| line.starts_with('|')).map(|line| line.trim_matches('|').split_once('|'));
    let whole = |name: &str| match name.strip_prefix('-') {
        Some(rest) => format!("p2s-root-certificate-{rest}"),
        None => name.to_owned(),
    };
    let row = |(symptom, policies): (&str, &str)| {
        let policies = policies.split(',').map(|name| whole(name.trim())).collect();
        (symptom.trim().to_owned(), policies)
    };
    cells.map(|cells| row(cells.expect("two cells"))).collect()
}

#[test]
fn a_row_is_a_symptom_with_the_full_names_of_its_policies() {
    let table =
        format!("{HEADING}\n\n| symptom | policies |\n|---|---|\n| a | p2s-root-certificate-missing, -weak |\n\n| no");
    let expected = ["p2s-root-certificate-missing", "p2s-root-certificate-weak"].map(str::to_owned).to_vec();
    assert_eq!(rows(&table), BTreeMap::from([("a".to_owned(), expected)]));
}

#[test]
fn each_row_of_the_specification_is_kept_by_the_policies() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/POLICIES.md");
    let Ok(specification) = fs::read_to_string(path) else { return };
    let rows = rows(&specification);
    assert!(!rows.is_empty());
    let set = PolicySet::load(true, &[]).expect("the built-in policies");
    for (symptom, policies) in &rows {
        for id in policies {
            let policy = set.get(id).unwrap_or_else(|| panic!("no policy {id}"));
            assert!(policy.metadata.symptoms.contains(symptom), "{id} does not name {symptom}");
        }
    }
}
