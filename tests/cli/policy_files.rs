//! What `azaudit policies check` says of one fault, word for word, and what `azaudit policies schema` prints.

use crate::support::{Folder, azaudit};

const GOOD: &str = r#"title: Gateway names are written in lower case
severity: low
subject: gateway
check: gateway.name.matches("^[a-z0-9-]+$")
message: "{{ gateway.name }} is not written in lower case"
remediation:
  text: Name the next gateway in lower case.
symptoms: [too-many-clients]
"#;

/// What is said on stderr about that text in `x.yaml`, without the folder's name.
fn said(text: &str) -> String {
    let folder = Folder::new(&[("x.yaml", text.as_bytes())]);
    let ran = azaudit(&["policies", "check", &folder.text("")]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    ran.stderr.replace(&folder.text(""), "")
}

/// The same after one change to a file without a fault.
fn said_after(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    said(&GOOD.replacen(from, to, 1))
}

#[test]
fn a_file_without_a_fault() {
    let folder = Folder::new(&[("x.yaml", GOOD.as_bytes())]);
    let ran = azaudit(&["policies", "check", &folder.text("")]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "1 policy without a fault\n", ""));
}

#[test]
fn a_typo_in_a_field() {
    assert_eq!(
        said_after("check: gateway.name", "check: gateway.nmae"),
        "error: x.yaml:4:16: unknown field `gateway.nmae`\nhint: did you mean `name`?\n"
    );
}

#[test]
fn a_wrong_type() {
    assert_eq!(
        said_after("gateway.name.matches(\"^[a-z0-9-]+$\")", "gateway.name == 1"),
        "error: x.yaml:4:21: cannot compare string with int\n"
    );
}

#[test]
fn an_unknown_symptom() {
    assert_eq!(
        said_after("too-many-clients", "to-many-clients"),
        "error: x.yaml:8:12: unknown symptom `to-many-clients`\nhint: did you mean `too-many-clients`?\n"
    );
}

#[test]
fn an_id_that_stands_twice() {
    let folder = Folder::new(&[("a/x.yaml", GOOD.as_bytes()), ("b/x.yaml", GOOD.as_bytes())]);
    let ran = azaudit(&["policies", "check", &folder.text("")]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert_eq!(
        ran.stderr.replace(&folder.text(""), ""),
        "error: b/x.yaml: the policy `x` stands in `a/x.yaml` already\nhint: rename one of the files\n"
    );
}

#[test]
fn an_id_unlike_the_files_name() {
    assert_eq!(
        said_after("title:", "id: y\ntitle:"),
        "error: x.yaml:1:5: the id `y` is not the file's name, `x`\n\
         hint: take the line out, or rename the file to `y.yaml`\n"
    );
    assert_eq!(
        said_after("title:", "id: Y/Z\ntitle:"),
        "error: x.yaml:1:5: the id `Y/Z` is not the file's name, `x`\nhint: take the line out\n"
    );
    let folder = Folder::new(&[("x.yaml", format!("id: x\n{GOOD}").as_bytes())]);
    assert_eq!(azaudit(&["policies", "check", &folder.text("")]).code, 0);
}

#[test]
fn hidden_files_and_symptoms_are_no_policies() {
    let no_policy: &[u8] = b"a: b\n";
    for foreign in [".github/ci.yaml", ".pre-commit-config.yaml", "symptoms/error.yaml"] {
        let folder = Folder::new(&[("x.yaml", GOOD.as_bytes()), (foreign, no_policy)]);
        let ran = azaudit(&["policies", "check", &folder.text("")]);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, "1 policy without a fault\n"), "{foreign}");
    }
    let folder = Folder::new(&[("x.yaml", GOOD.as_bytes()), ("others/error.yaml", no_policy)]);
    assert_eq!(azaudit(&["policies", "check", &folder.text("")]).code, 2);
}

#[test]
fn the_schema_names_the_keys_that_a_policy_needs() {
    let ran = azaudit(&["policies", "schema"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let schema = ran.json();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    let required = ["title", "severity", "subject", "check", "message", "remediation"];
    assert_eq!(schema["required"], serde_json::json!(required));
}
