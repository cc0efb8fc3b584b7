//! Policy files from text to judgement, over sample facts.

use serde_json::json;

use super::load::Source;
use super::*;
use crate::facts::command::Command;
use crate::facts::schema::{Known, RecordType, Unread, fact_enum, facts};
use crate::facts::{Subject, SubjectKind};
use crate::inventory::ResourceId;

fact_enum! {
    /// How the data is laid out.
    pub enum Layout {
        /// On one line.
        OneLine => "oneLine",
        /// On several.
        Lines => "lines",
    }
}

facts! {
    /// A certificate.
    pub struct Certificate {
        /// Its name.
        pub name: String,
        /// Its layout.
        pub layout: Known<Layout>,
        /// The part of its lifetime that has passed.
        pub elapsed: f64,
        /// Its thumbprint, where it has one.
        pub thumbprint: Option<String>,
        /// Names that it is known by.
        pub names: Vec<String>,
        /// How to take it away.
        pub removal: Option<Command>,
        /// More commands.
        pub more: Vec<Command>,
    }
}

fn certificate() -> Certificate {
    Certificate {
        name: "root 1".into(),
        layout: Ok(Layout::Lines),
        elapsed: 0.75,
        thumbprint: None,
        names: vec!["a".into(), "b c".into()],
        removal: Some(Command::new(["az", "remove", "root 1"])),
        more: vec![Command::new(["one"]), Command::new(["two"])],
    }
}

fn roots(_: SubjectKind) -> Vec<(&'static str, &'static RecordType)> {
    vec![("certificate", Certificate::describe())]
}

const GOOD: &str = r#"title: Data is one line
why: Clients refuse anything else.
severity: high
severityWhen: [{when: certificate.elapsed > 0.9, severity: critical}, {when: certificate.elapsed > params.old, severity: low}]
subject: rootCertificate
params: {old: 0.5, word: x}
when: certificate.name != params.word
check: certificate.layout == "oneLine"
message: "{{ certificate.name }} ({{ certificate.thumbprint }}, {{ certificate.names }}): {{ certificate.elapsed }}"
evidence: {layout: certificate.layout, thumbprint: certificate.thumbprint, broken: 1 / (certificate.names.size() - 2)}
remediation:
  text: "Upload {{ certificate.name }} again."
  commands:
    - "az upload --name {{ certificate.name }} --all {{ certificate.names }}"
    - "az with {{ certificate.thumbprint }}"
    - "{{ certificate.removal }}"
    - "{{ certificate.more }}"
symptoms: [too-many-clients]
references: ["https://learn.microsoft.com/"]
frameworks: {cis: ["7.1"]}
"#;

fn load(files: &[(&str, &str)]) -> Result<PolicySet, Vec<LoadError>> {
    let source = |(path, text): &(&str, &str)| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let id = name.split('.').next().unwrap_or(name).to_owned();
        Source { path: (*path).to_owned(), id, text: (*text).to_owned() }
    };
    PolicySet::checked(files.iter().map(source).collect(), Vec::new(), roots)
}

/// What is said about the good file after one change to it.
fn faults_after(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    let text = GOOD.replacen(from, to, 1);
    let errors = load(&[("p/x.yaml", &text)]).err().unwrap_or_default();
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn judge(facts: &Certificate) -> Judgement {
    let set = load(&[("p/x.yaml", GOOD)]).unwrap();
    let identity = crate::facts::Identity {
        kind: SubjectKind::RootCertificate,
        id: ResourceId::new("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworkGateways/gw"),
        name: "gw".into(),
        element: Some(facts.name.clone()),
        location: None,
    };
    set.judge_all(&Subject { identity, roots: vec![facts] }).remove(0)
}

#[test]
fn a_failure_is_told_with_evidence_and_commands() {
    let judgement = judge(&certificate());
    assert_eq!((judgement.verdict, judgement.severity), (Verdict::Fail, Severity::Low));
    assert_eq!(judgement.message, "root 1 (none, a, b c): 0.75");
    let evidence = json!({"layout": "lines", "thumbprint": null, "broken": {"error": "division by zero"}});
    assert_eq!(json!(judgement.evidence), evidence);
    assert_eq!(judgement.remediation.text, "Upload root 1 again.");
    let commands = ["az upload --name 'root 1' --all a 'b c'", "az remove 'root 1'", "one", "two"];
    assert_eq!(judgement.remediation.commands, commands);
    assert_eq!(judgement.policy.frameworks["cis"], ["7.1"]);
}

#[test]
fn a_claim_that_holds_passes_without_remediation() {
    let judgement = judge(&Certificate { layout: Ok(Layout::OneLine), ..certificate() });
    assert_eq!((judgement.verdict, judgement.severity), (Verdict::Pass, Severity::High));
    assert_eq!(judgement.message, "Data is one line");
    assert_eq!(judgement.remediation, Remediation::default());
    assert_eq!(judgement.evidence["layout"], "oneLine");
}

#[test]
fn what_was_not_read_is_unknown_and_says_how_to_get_it() {
    let unread = Unread::new("the certificate's data", "read the gateway itself");
    let judgement = judge(&Certificate { layout: Err(unread), ..certificate() });
    assert_eq!((judgement.verdict, judgement.severity), (Verdict::Unknown, Severity::High));
    assert_eq!(
        judgement.message,
        "cannot tell because this is missing: the certificate's data; read the gateway itself"
    );
    let evidence = json!({"missing": "the certificate's data", "howToGet": "read the gateway itself"});
    assert_eq!(json!(judgement.evidence), evidence);
    assert_eq!(judgement.remediation, Remediation::default());
}

#[test]
fn a_policy_that_goes_wrong_is_unknown_and_names_itself() {
    let text = GOOD
        .replace("check: certificate.layout", "check: 1 / (certificate.names.size() - 2) == 1 && certificate.layout");
    let set = load(&[("p/x.yaml", &text)]).unwrap();
    let facts = Certificate { layout: Ok(Layout::OneLine), ..certificate() };
    let mut judgement = judge(&facts);
    let subject = Subject { identity: judgement.subject.clone(), roots: vec![&facts] };
    judgement = set.judge_all(&subject).remove(0);
    assert_eq!(judgement.verdict, Verdict::Unknown);
    assert_eq!(judgement.message, "cannot tell: the policy `x` went wrong: division by zero");
}

#[test]
fn a_claim_about_others_is_not_applicable() {
    let judgement = judge(&Certificate { name: "x".into(), ..certificate() });
    assert_eq!(judgement.verdict, Verdict::NotApplicable);
    assert!(judgement.evidence.is_empty());
}

#[test]
fn the_first_condition_that_holds_sets_the_severity() {
    assert_eq!(judge(&Certificate { elapsed: 0.95, ..certificate() }).severity, Severity::Critical);
    assert_eq!(judge(&Certificate { elapsed: 0.5, ..certificate() }).severity, Severity::High);
}

#[test]
fn verdicts_that_nobody_asked_for_are_counted_but_not_rendered() {
    let set = load(&[("p/x.yaml", GOOD), ("p/y.yaml", &GOOD.replace("oneLine", "lines"))]).unwrap();
    let facts = certificate();
    let subject = Subject { identity: judge(&facts).subject, roots: vec![&facts] };
    let mut seen = Vec::new();
    set.judge(&subject, Verdicts::FINDINGS, |policy, verdict, severity, judgement| {
        seen.push((policy.id(), verdict, severity, judgement.is_some()));
    });
    assert_eq!(seen, [("x", Verdict::Fail, Severity::Low, true), ("y", Verdict::Pass, Severity::High, false)]);
}

#[test]
fn a_typo_in_a_field() {
    assert_eq!(
        faults_after("certificate.layout ==", "certificate.layuot =="),
        "p/x.yaml:8:20: unknown field `certificate.layuot`\nhint: did you mean `layout`?"
    );
}

#[test]
fn a_typo_in_a_template() {
    assert_eq!(
        faults_after("{{ certificate.thumbprint }}, ", "{{ certificate.thumbprnt }}, "),
        "p/x.yaml:9:50: unknown field `certificate.thumbprnt`\nhint: did you mean `thumbprint`?"
    );
}

#[test]
fn a_typo_in_a_block_scalar() {
    assert_eq!(
        faults_after("check: certificate.layout ==", "check: >-\n  true &&\n  certificate.layuot =="),
        "p/x.yaml:10:15: unknown field `certificate.layuot`\nhint: did you mean `layout`?"
    );
}

#[test]
fn a_word_that_the_enum_does_not_have() {
    assert_eq!(
        faults_after("\"oneLine\"", "\"onLine\""),
        "p/x.yaml:8:30: `onLine` is not a word of this enum\nhint: did you mean `oneLine`?"
    );
}

#[test]
fn a_wrong_type() {
    assert_eq!(
        faults_after("certificate.layout == \"oneLine\"", "certificate.name == 1"),
        "p/x.yaml:8:25: cannot compare string with int"
    );
    assert_eq!(
        faults_after("certificate.layout == \"oneLine\"", "certificate.name"),
        "p/x.yaml:8:8: `check` is of type string, not bool"
    );
    assert_eq!(
        faults_after("when: certificate.elapsed > 0.9", "when: certificate.elapsed"),
        "p/x.yaml:4:23: `when` is of type double, not bool"
    );
    assert_eq!(faults_after("severity: high", "severity: [high]"), "p/x.yaml:3:11: `severity` is a list, not a string");
}

#[test]
fn an_unknown_symptom() {
    assert_eq!(
        faults_after("too-many-clients", "to-many-clients"),
        "p/x.yaml:18:12: unknown symptom `to-many-clients`\nhint: did you mean `too-many-clients`?"
    );
}

#[test]
fn an_unknown_subject() {
    assert_eq!(
        faults_after("subject: rootCertificate", "subject: rootCert"),
        "p/x.yaml:5:10: unknown subject `rootCert`\nhint: did you mean `rootCertificate`?"
    );
}

#[test]
fn an_unknown_key_and_a_missing_one() {
    assert_eq!(
        faults_after("title:", "titel:"),
        "p/x.yaml:1:1: `title` is missing\np/x.yaml:1:1: unknown key `titel`\nhint: did you mean `title`?"
    );
    assert_eq!(
        faults_after("  commands:", "  comands:"),
        "p/x.yaml:13:3: unknown key `comands`\nhint: did you mean `commands`?"
    );
}

#[test]
fn an_unknown_severity() {
    assert_eq!(
        faults_after("severity: high", "severity: hihg"),
        "p/x.yaml:3:11: unknown severity `hihg`\nhint: did you mean `high`?"
    );
}

#[test]
fn a_parameter_that_is_unknown_or_unused() {
    assert_eq!(
        faults_after("params.old,", "params.odl,"),
        "p/x.yaml:4:107: unknown parameter `params.odl`\nhint: did you mean `old`?\n\
         p/x.yaml:6:10: the parameter `old` is not used"
    );
    assert_eq!(faults_after("old: 0.5", "old: 0.5, other: 1"), "p/x.yaml:6:20: the parameter `other` is not used");
}

#[test]
fn empty_texts() {
    assert_eq!(faults_after("title: Data is one line", "title: \" \""), "p/x.yaml:1:8: `title` is empty");
    assert_eq!(faults_after("title: Data is one line", "title:"), "p/x.yaml:1:1: `title` is empty");
    assert_eq!(faults_after("\"Upload {{ certificate.name }} again.\"", "''"), "p/x.yaml:12:9: `text` is empty");
    assert_eq!(
        faults_after("check: certificate.layout == \"oneLine\"", "check: !true"),
        "p/x.yaml:8:1: `check` is empty\nhint: put it in quotes: YAML takes what starts with `!` for a tag"
    );
}

#[test]
fn a_title_says_the_same_of_every_subject() {
    assert_eq!(
        faults_after("title: Data", "title: \"{{ certificate.name }}\" #"),
        "p/x.yaml:1:8: `title` cannot hold values\nhint: say it in `message`"
    );
}

#[test]
fn a_message_on_several_lines_has_no_empty_line_at_its_end() {
    let set = load(&[("p/x.yaml", &GOOD.replace("message: \"{{", "message: |\n  \"{{"))]).unwrap();
    let facts = certificate();
    let subject = Subject { identity: judge(&facts).subject, roots: vec![&facts] };
    assert_eq!(set.judge_all(&subject)[0].message, "\"root 1 (none, a, b c): 0.75\"");
}

#[test]
fn templates_that_cannot_be_filled_in() {
    assert_eq!(
        faults_after("{{ certificate.name }} again", "{{ certificate.name again"),
        "p/x.yaml:12:17: `{{` without `}}`\nhint: write `{{ EXPRESSION }}`"
    );
    assert_eq!(
        faults_after("Upload {{ certificate.name }}", "Upload {{ certificate.removal }}"),
        "p/x.yaml:12:20: a value of type command or null cannot stand in a text"
    );
    assert_eq!(
        faults_after("{{ certificate.more }}", "{{ certificate.names }}"),
        "p/x.yaml:17:11: a value of type list<string> is no command\n\
         hint: write the command around it: `az … {{ … }}`"
    );
    assert_eq!(
        faults_after("--name {{ certificate.name }}", "--name '{{ certificate.name }}'"),
        "p/x.yaml:14:26: a value within quotes\nhint: leave the quotes out: each value becomes one quoted word"
    );
    assert_eq!(
        faults_after("layout: certificate.layout", "layout: certificate.removal"),
        "p/x.yaml:10:20: a command cannot be evidence\nhint: put it into `remediation.commands`"
    );
}

#[test]
fn a_port_belongs_to_an_endpoint_and_is_a_port() {
    let endpoint =
        |port: &str| faults_after("subject: rootCertificate", &format!("subject: rdpEndpoint\nport: {port}"));
    assert_eq!(endpoint("22"), "");
    let hint = "\nhint: a port is a number from 1 to 65535";
    for wrong in ["0", "65536", "-1"] {
        assert_eq!(endpoint(wrong), format!("p/x.yaml:6:7: {wrong} is not a port{hint}"));
    }
    assert_eq!(endpoint("ssh"), "p/x.yaml:6:7: `port` is a string, not an int");
    assert_eq!(
        faults_after("subject: rootCertificate", "subject: rootCertificate\nport: 22"),
        "p/x.yaml:6:7: the subject `rootCertificate` has no port\nhint: `port` goes with `subject: rdpEndpoint`"
    );
}

#[test]
fn all_faults_of_all_files_are_named_in_order() {
    let bad = GOOD.replace("certificate.layout ==", "certificate.layuot ==").replace("severity: low", "severity: lo");
    let errors = load(&[("p/b.yaml", &bad), ("p/a.yaml", "a: [")]).unwrap_err();
    let places: Vec<_> = errors.iter().map(|error| (error.path.as_str(), error.position)).collect();
    assert_eq!(places[1..], [("p/b.yaml", Some((4, 122))), ("p/b.yaml", Some((8, 20)))]);
    assert_eq!(places[0].0, "p/a.yaml");
    assert!(errors[0].message.starts_with("not valid YAML: "), "{}", errors[0]);
}

#[test]
fn a_key_that_stands_twice() {
    assert_eq!(
        faults_after("severity: high", "severity: high\nseverity: low"),
        "p/x.yaml:4:1: not valid YAML: duplicate mapping key: severity"
    );
}

#[test]
fn an_id_that_stands_twice() {
    let errors = load(&[("policies/vpn/x.yaml", GOOD), ("mine/x.yaml", GOOD)]).unwrap_err();
    assert_eq!(
        errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["mine/x.yaml: the policy `x` stands in `policies/vpn/x.yaml` already\nhint: rename one of the files"]
    );
}

#[test]
fn a_name_that_cannot_be_an_id() {
    let errors = load(&[("p/My_Policy.yaml", GOOD)]).unwrap_err();
    assert_eq!(
        errors[0].to_string(),
        "p/My_Policy.yaml:1:1: the file's name `My_Policy` cannot be a policy's id\n\
         hint: use lower-case letters, digits and hyphens"
    );
}

#[test]
fn globs_choose_policies_and_one_that_matches_nothing_is_an_error() {
    let files = ["p2s-a", "p2s-b", "rdp-a"].map(|id| format!("p/{id}.yaml"));
    let all = load(&[(&files[0], GOOD), (&files[1], GOOD), (&files[2], GOOD)]).unwrap();
    let chosen = |globs: &[&str], skip: &[&str]| {
        let owned = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect::<Vec<_>>();
        let mut set = all.clone();
        set.select(&owned(globs), &owned(skip))?;
        Ok::<_, PolicyError>(set.iter().map(|policy| policy.id().to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(chosen(&["p2s-*"], &[]).unwrap(), ["p2s-a", "p2s-b"]);
    assert_eq!(chosen(&[], &["p2s-*"]).unwrap(), ["rdp-a"]);
    assert_eq!(chosen(&["*-a", "p2s-b"], &["rdp-?"]).unwrap(), ["p2s-a", "p2s-b"]);
    assert_eq!(
        chosen(&["p2s-c"], &[]).unwrap_err().to_string(),
        "no policy matches `p2s-c`\nhint: did you mean `p2s-a`?"
    );
    assert_eq!(all.kinds(), [SubjectKind::RootCertificate]);
}

#[test]
fn a_parameter_can_be_set_to_a_value_of_its_type() {
    let mut set = load(&[("p/x.yaml", GOOD)]).unwrap();
    let facts = certificate();
    let subject = Subject { identity: judge(&facts).subject, roots: vec![&facts] };
    assert_eq!(set.judge_all(&subject)[0].severity, Severity::Low);
    set.set_param("x", "old", Param::Int(1)).unwrap();
    assert_eq!(set.judge_all(&subject)[0].severity, Severity::High);
    let wrong = set.set_param("x", "old", Param::Bool(true)).unwrap_err().to_string();
    assert_eq!(wrong, "the parameter `old` of `x` is of type double, not bool");
    let wrong = set.set_param("x", "odl", Param::Int(1)).unwrap_err().to_string();
    assert_eq!(wrong, "the policy `x` has no parameter `odl`\nhint: did you mean `old`?");
    set.set_severity("x", Severity::Info).unwrap();
    assert_eq!(set.judge_all(&subject)[0].severity, Severity::Info);
}

#[test]
fn folders_are_read_and_what_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    std::fs::write(dir.path().join("sub/a.yml"), [0xff, 0xfe]).unwrap();
    std::fs::write(dir.path().join("notes.txt"), "no policy").unwrap();
    let errors = PolicySet::load(false, &[dir.path().to_owned(), dir.path().join("none")]).unwrap_err();
    let messages: Vec<_> = errors.iter().map(|error| error.message.split(':').next().unwrap_or_default()).collect();
    assert_eq!(messages, ["cannot read this", "not UTF-8 text"]);
    std::fs::remove_file(dir.path().join("sub/a.yml")).unwrap();
    let errors = PolicySet::load(false, &[dir.path().to_owned()]).unwrap_err();
    assert_eq!(errors[0].message, "no policies in this folder");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_damage_to_a_file_ends_in_a_panic(
        at in 0..GOOD.len(),
        length in 0_usize..12,
        inserted in "[ -~\n]{0,3}|\\{\\{|ü|'|\"|\t|\u{feff}|:|- |\\(\\(",
    ) {
        let end = (at + length).min(GOOD.len());
        let text = [&GOOD[..at], &inserted, &GOOD[end..]].concat();
        if let Err(errors) = load(&[("p/x.yaml", &text)]) {
            // Every fault has its place within the file.
            for error in &errors {
                let (line, column) = error.position.unwrap();
                let line = text.split('\n').nth(line - 1).unwrap();
                proptest::prop_assert!(column <= line.chars().count() + 1, "{error}");
            }
        }
    }
}
