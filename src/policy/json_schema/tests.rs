//! What the schema takes and refuses, against the loader.

use jsonschema::Validator;

use super::*;
use crate::policy::PolicySet;
use crate::policy::load::Source;
use crate::policy::yaml::{Node, Yaml};

const GOOD: &str = r#"title: Gateways have a name
why: Nobody finds them otherwise.
severity: high
severityWhen: [{when: gateway.name == params.worst, severity: critical}]
subject: gateway
params: {worst: x, shortest: 1}
when: gateway.name != ""
check: gateway.name.size() >= params.shortest
message: "{{ gateway.name }} is short"
evidence: {name: gateway.name}
remediation:
  text: "Rename {{ gateway.name }}."
  commands: ["az rename {{ gateway.name }}"]
symptoms: [too-many-clients]
references: ["https://learn.microsoft.com/"]
frameworks: {cis: ["7.1"]}
"#;

fn validator() -> Validator {
    jsonschema::draft7::new(&json_schema()).unwrap()
}

/// The file as an editor's JSON Schema validator sees it.
fn as_json(node: &Node) -> Value {
    match &node.yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(it) => json!(it),
        Yaml::Int(it) => json!(it),
        Yaml::Double(it) => json!(it),
        Yaml::Text(it) => json!(it),
        Yaml::List(items) => items.iter().map(as_json).collect(),
        Yaml::Map(map) => map.iter().map(|(key, value)| (key_of(key), as_json(value))).collect(),
    }
}

fn key_of(key: &Node) -> String {
    match &key.yaml {
        Yaml::Text(text) => text.clone(),
        other => panic!("{other:?} is no key"),
    }
}

/// What the schema says against a file: the places, in order.
fn objections(text: &str) -> Vec<String> {
    let file = as_json(&Node::read(text).unwrap());
    let mut places: Vec<String> =
        validator().iter_errors(&file).map(|error| error.instance_path().to_string()).collect();
    places.sort();
    places.dedup();
    places
}

fn loads(text: &str) -> bool {
    let source = Source { path: "p/x.yaml".to_owned(), id: "x".to_owned(), text: text.to_owned() };
    PolicySet::checked(vec![source], Vec::new(), SubjectKind::roots).is_ok()
}

/// Where the schema objects after one change to the good file. The loader has to refuse the file as well.
fn objections_after(from: &str, to: &str) -> Vec<String> {
    let text = change(from, to);
    assert!(!loads(&text), "this loads: {text}");
    objections(&text)
}

fn change(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replacen(from, to, 1)
}

#[test]
fn the_schema_is_one_of_draft_7() {
    assert!(jsonschema::draft7::meta::is_valid(&json_schema()));
}

#[test]
fn every_built_in_policy_is_valid() {
    let validator = validator();
    let mut count = 0;
    let built_in = crate::policy::load::builtin_texts();
    for (path, text) in built_in {
        let file = as_json(&Node::read(&text).unwrap());
        let errors: Vec<String> =
            validator.iter_errors(&file).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{path}: {errors:?}");
        count += 1;
    }
    assert_eq!(count, PolicySet::load(true, &[]).unwrap().len());
}

#[test]
fn what_loads_is_valid() {
    for text in [
        GOOD.to_owned(),
        change("title:", "id: x\ntitle:"),
        change("worst: x, shortest: 1", "worst: '', shortest: 1"),
        change(
            "subject: gateway\nparams: {worst: x, shortest: 1}",
            "subject: gateway\nparams: {worst: x, shortest: -3}",
        ),
        change("frameworks: {cis: [\"7.1\"]}", "frameworks: {}"),
        change("symptoms: [too-many-clients]", "symptoms: []"),
    ] {
        assert!(loads(&text), "{text}");
        assert_eq!(objections(&text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn an_example_loads_and_is_valid() {
    let text = example().to_string();
    assert!(loads(&text));
    assert_eq!(objections(&text), Vec::<String>::new());
}

#[test]
fn an_unknown_key() {
    assert_eq!(objections_after("why:", "wy:"), [""]);
    assert_eq!(objections_after("  commands:", "  comands:"), ["/remediation"]);
    assert_eq!(
        objections_after("{when: gateway.name == params.worst,", "{wen: gateway.name == params.worst,"),
        ["/severityWhen/0"]
    );
}

#[test]
fn a_missing_key() {
    let lines = |key: &str| GOOD.lines().find(|line| line.starts_with(key)).unwrap().to_owned() + "\n";
    for key in ["title", "severity", "subject", "check", "message"] {
        assert_eq!(objections_after(&lines(&format!("{key}:")), ""), [""], "{key}");
    }
    let remediation =
        "remediation:\n  text: \"Rename {{ gateway.name }}.\"\n  commands: [\"az rename {{ gateway.name }}\"]\n";
    assert_eq!(objections_after(remediation, ""), [""]);
    assert_eq!(objections_after("  text: \"Rename {{ gateway.name }}.\"\n", ""), ["/remediation"]);
}

#[test]
fn a_word_out_of_no_list() {
    assert_eq!(objections_after("severity: high", "severity: hihg"), ["/severity"]);
    assert_eq!(objections_after("severity: critical", "severity: critcal"), ["/severityWhen/0/severity"]);
    assert_eq!(objections_after("subject: gateway", "subject: gatway"), ["/subject"]);
    assert_eq!(objections_after("[too-many-clients]", "[to-many-clients]"), ["/symptoms/0"]);
}

#[test]
fn a_wrong_type() {
    assert_eq!(objections_after("worst: x", "worst: [x]"), ["/params/worst"]);
    assert_eq!(objections_after("check: gateway.name.size() >= params.shortest", "check: true"), ["/check"]);
    assert_eq!(objections_after("[\"az rename {{ gateway.name }}\"]", "az rename"), ["/remediation/commands"]);
    assert_eq!(objections_after("symptoms: [too-many-clients]", "symptoms: too-many-clients"), ["/symptoms"]);
    assert_eq!(objections_after("{cis: [\"7.1\"]}", "{cis: [7.1]}"), ["/frameworks/cis/0"]);
}

#[test]
fn texts_that_say_nothing_or_too_much() {
    assert_eq!(objections_after("title: Gateways have a name", "title: ' '"), ["/title"]);
    assert_eq!(objections_after("title: Gateways", "title: \"{{ gateway.name }}\" #"), ["/title"]);
    assert_eq!(objections_after("\"https://", "\"http://"), ["/references/0"]);
    assert_eq!(objections_after("title:", "id: My_Policy\ntitle:"), ["/id"]);
}

#[test]
fn keys_that_go_with_one_subject() {
    assert_eq!(objections_after("subject: gateway", "subject: gateway\nport: 22"), ["/subject"]);
    let endpoint = |port: &str| {
        GOOD.replace("subject: gateway", &format!("subject: rdpEndpoint\nport: {port}"))
            .replace("gateway.name", "endpoint.exposure")
    };
    assert!(loads(&endpoint("22")));
    assert_eq!(objections(&endpoint("22")), Vec::<String>::new());
    assert!(!loads(&endpoint("65536")));
    assert_eq!(objections(&endpoint("65536")), ["/port"]);
    assert_eq!(
        objections(&change("subject: gateway", "subject: gateway\ntype: Microsoft.Storage/storageAccounts")),
        ["/subject"]
    );
    let resource = |ty: &str| change("subject: gateway", &format!("subject: resource\ntype: {ty}"));
    assert_eq!(objections(&resource("Microsoft.Storage/storageAccounts")), Vec::<String>::new());
    assert_eq!(objections(&resource("Microsoft.Sql/servers/databases")), Vec::<String>::new());
    assert_eq!(objections(&resource("storageAccounts")), ["/type"]);
}

#[test]
fn a_check_is_described_with_the_facts_of_its_subject() {
    let schema = json_schema();
    let described = |kind: &str| {
        let rules = schema["allOf"].as_array().unwrap();
        let rule = rules.iter().find(|rule| rule["if"]["properties"]["subject"]["const"] == kind).unwrap();
        rule["then"].clone()
    };
    let text = |then: &Value| then["properties"]["check"]["markdownDescription"].as_str().unwrap().to_owned();
    let names = |text: &str, roots: &[(&str, &'static RecordType)]| {
        for (name, root) in roots {
            for field in &root.fields {
                let named = text.contains(&format!("`{name}.{}`", field.name));
                assert!(named && text.contains(&field.doc), "{}", field.name);
            }
        }
    };
    for kind in SubjectKind::ALL.into_iter().filter(|kind| *kind != SubjectKind::Resource) {
        names(&text(&described(kind.word())), &kind.roots());
    }
    assert!(!text(&described("gateway")).contains("`endpoint."));
    // Resources are seen as facts, or as their JSON where a type is named.
    let resource = described("resource");
    assert_eq!(resource["if"], json!({ "required": ["type"] }));
    names(&text(&resource["then"]), &crate::facts::resource::whole_roots());
    names(&text(&resource["else"]), &SubjectKind::Resource.roots());
    assert!(!text(&resource["else"]).contains("`resource.properties`"));
}
