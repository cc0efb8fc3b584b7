use crate::support::{Folder, Ran, azaudit, azaudit_in};

const NOW: &str = "2026-01-01T00:00:00Z";
const ESTATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/estates/contoso.json");
const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/packs/ssh");
/// An endpoint that answers the Internet on port 22, and one that does on port 3389.
const MACHINES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/packs/ssh/ssh-open-to-internet.json");

const LIFETIME: &str = "p2s-root-certificate-lifetime";

/// A scan of the estate in the folder of the configuration.
fn scan_in(folder: &Folder, below: &str, more: &[&str]) -> Ran {
    let fixed = ["scan", "--from", ESTATE, "--now", NOW, "--format", "json"];
    azaudit_in(&folder.path(below), &[&fixed[..], more].concat())
}

/// A scan with a configuration of that text.
fn scan(config: &str, more: &[&str]) -> Ran {
    scan_in(&Folder::new(&[("azaudit.toml", config.as_bytes())]), "", more)
}

/// `severity` of each result of the policy.
fn severities(ran: &Ran, policy: &str) -> Vec<String> {
    let json = ran.json();
    let results = json["results"].as_array().unwrap().iter().filter(|result| result["policy"] == policy);
    results.map(|result| result["severity"].as_str().unwrap().to_owned()).collect()
}

fn judged(ran: &Ran, policy: &str) -> bool {
    !severities(ran, policy).is_empty()
}

#[test]
fn parameters_and_severities_are_those_of_the_configuration() {
    let default = severities(&scan("", &[]), LIFETIME);
    assert!(!default.is_empty() && !default.contains(&"info".to_owned()), "{default:?}");
    let config = format!("[policy.{LIFETIME}]\nseverity = \"info\"\n");
    let ran = scan(&config, &[]);
    assert!(severities(&ran, LIFETIME).iter().all(|it| it == "info"), "{}", ran.stdout);
    assert_eq!(severities(&ran, LIFETIME).len(), default.len());
    let config = format!("[policy.{LIFETIME}]\nparams = {{ maxElapsed = 2 }}\n");
    let fails = |ran: &Ran| ran.results().iter().any(|line| line.starts_with(&format!("{LIFETIME} fail ")));
    assert!(fails(&scan("", &[])));
    assert!(!fails(&scan(&config, &[])));
}

#[test]
fn a_disabled_policy_is_left_out_unless_it_is_named_exactly() {
    let config = format!("[policy.{LIFETIME}]\nenabled = false\n");
    let ran = scan(&config, &[]);
    assert!(!judged(&ran, LIFETIME));
    let told = format!("warning: left out by the configuration: {LIFETIME} (`azaudit.toml`)\n");
    assert!(ran.stderr.contains(&told), "{}", ran.stderr);
    assert!(!judged(&scan(&config, &["--policy", "p2s-*"]), LIFETIME));
    assert!(judged(&scan(&config, &["--policy", LIFETIME]), LIFETIME));
    let ran = scan(&config, &["--policy", "*-lifetime"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("no policy is left to judge by") && ran.stderr.contains("enabled = false"));
}

#[test]
fn the_nearest_file_at_or_above_the_working_directory_counts_and_verbose_names_it() {
    let low = format!("[policy.{LIFETIME}]\nseverity = \"low\"\n");
    let info = format!("[policy.{LIFETIME}]\nseverity = \"info\"\n");
    let folder =
        Folder::new(&[("azaudit.toml", low.as_bytes()), ("a/b/x", b""), ("near/azaudit.toml", info.as_bytes())]);
    for (below, severity, shown) in [
        ("", "low", "configuration: azaudit.toml\n".to_owned()),
        ("a/b", "low", "/azaudit.toml\n".to_owned()),
        ("near", "info", "configuration: azaudit.toml\n".to_owned()),
    ] {
        let ran = scan_in(&folder, below, &["-v"]);
        assert!(severities(&ran, LIFETIME).iter().all(|it| it == severity), "{below}: {}", ran.stdout);
        assert!(ran.stderr.contains(&shown), "{below}: {}", ran.stderr);
    }
    // One that is named is the only one.
    let named = folder.text("near/azaudit.toml");
    let ran = scan_in(&folder, "a", &["--config", &named]);
    assert!(severities(&ran, LIFETIME).iter().all(|it| it == "info"), "{}", ran.stdout);
    assert!(!ran.stderr.contains("configuration"), "{}", ran.stderr);
}

#[test]
fn the_command_line_wins_over_the_configured_port() {
    let folder = Folder::new(&[("azaudit.toml", b"rdp-port = 22\n")]);
    let failing = |more: &[&str]| {
        let fixed = ["scan", "--from", MACHINES, "--now", NOW, "--format", "json", "--policy", "rdp-open-to-internet"];
        azaudit_in(&folder.path(""), &[&fixed[..], more].concat()).results()
    };
    assert_eq!(failing(&[]), ["rdp-open-to-internet fail fails-port-22"]);
    assert_eq!(failing(&["--rdp-port", "3389"]), ["rdp-open-to-internet fail passes-port-3389"]);
}

#[test]
fn service_tags_are_found_beside_the_configuration() {
    let tags =
        br#"{"changeNumber": 7, "values": [{"name": "Sql", "properties": {"addressPrefixes": ["20.0.0.0/8"]}}]}"#;
    let folder =
        Folder::new(&[("azaudit.toml", b"service-tags = 'data/tags.json'\n"), ("data/tags.json", tags), ("a/x", b"")]);
    let ran = scan_in(&folder, "a", &["-v"]);
    assert!(ran.stderr.contains("service tags: change 7, 1 tag ("), "{}", ran.stderr);
    // What the command line names comes in its place.
    let ran = scan_in(&folder, "a", &["--service-tags", "no-such-file.json"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("cannot read the service tags `no-such-file.json`"), "{}", ran.stderr);
}

#[test]
fn every_fault_of_the_file_is_exit_2_with_its_place_and_what_was_meant() {
    let cases = [
        ("rdp_port = 1\n", "azaudit.toml:1:1: unknown key `rdp_port`\nhint: did you mean `rdp-port`?"),
        (
            "\n[policy.p2s-root-certificate-lifetim]\n",
            "azaudit.toml:2:9: no policy `p2s-root-certificate-lifetim`\nhint: did you mean `p2s-root-certificate-lifetime`?",
        ),
        (
            "[policy.p2s-root-certificate-lifetime.params]\nmaxElapsd = 0.6\n",
            "azaudit.toml:2:13: the policy `p2s-root-certificate-lifetime` has no parameter `maxElapsd`\nhint: did you mean `maxElapsed`?",
        ),
        (
            "[policy.p2s-root-certificate-lifetime]\nparams = { maxElapsed = 'half' }\n",
            "azaudit.toml:2:25: the parameter `maxElapsed` of `p2s-root-certificate-lifetime` is of type double, not string",
        ),
        ("[[suppress]]\npolicy = 'rdp-*'\n", "azaudit.toml:1:3: suppressions are not there yet\nhint: "),
        ("rdp-port =\n", "azaudit.toml:1:11: not valid TOML: "),
    ];
    for (config, message) in cases {
        let ran = scan(config, &[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{config}");
        assert!(ran.stderr.contains(&format!("error: {message}")), "{config}: {}", ran.stderr);
    }
    let ran = azaudit(&["scan", "--from", ESTATE, "--config", "no-such.toml"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("error: no-such.toml: cannot read the configuration: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("\nhint: name a file with --config"), "{}", ran.stderr);
}

#[test]
fn policies_of_a_folder_are_set_like_the_others_and_those_left_out_are_known() {
    let config = "[policy.ssh-open-to-internet]\nseverity = 'info'\n[policy.rdp-open-to-internet]\nseverity = 'low'\n";
    let folder = Folder::new(&[("azaudit.toml", config.as_bytes())]);
    let run = |more: &[&str]| {
        let fixed = ["scan", "--from", MACHINES, "--now", NOW, "--format", "json"];
        azaudit_in(&folder.path(""), &[&fixed[..], more].concat())
    };
    let ran = run(&["--policies", PACK]);
    assert_eq!(severities(&ran, "ssh-open-to-internet"), ["info"]);
    assert_eq!(severities(&ran, "rdp-open-to-internet"), ["low"]);
    assert_eq!(severities(&run(&["--policies", PACK, "--no-builtin-policies"]), "ssh-open-to-internet"), ["info"]);
    let ran = run(&[]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("azaudit.toml:1:9: no policy `ssh-open-to-internet`"), "{}", ran.stderr);
}

#[test]
fn a_report_does_not_overwrite_what_the_run_reads() {
    let tags = br#"{"values": [{"name": "Sql", "properties": {"addressPrefixes": ["20.0.0.0/8"]}}]}"#;
    let folder = Folder::new(&[("my.toml", b"rdp-port = 22\n"), ("tags.json", tags)]);
    let run = |input: &[&str], report: &str| {
        let fixed = ["scan", "--from", MACHINES, "--now", NOW, "--output", report];
        azaudit_in(&folder.path(""), &[&fixed[..], input].concat())
    };
    for input in [["--config", "my.toml"], ["--service-tags", "tags.json"]] {
        let ran = run(&input, &format!("json=./{}", input[1]));
        assert_eq!(ran.code, 2, "{input:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("the report would overwrite its own input"), "{input:?}: {}", ran.stderr);
    }
    assert_eq!(std::fs::read_to_string(folder.path("my.toml")).unwrap(), "rdp-port = 22\n");
    assert_eq!(run(&["--config", "my.toml"], "json=./other.json").code, 1);
}

#[test]
fn a_flow_says_which_configuration_it_used() {
    let folder = Folder::new(&[("azaudit.toml", b"rdp-port = 3390\n")]);
    let flow = ["test-ip-flow", "--direction", "Inbound", "--protocol", "TCP", "--from", ESTATE];
    let ends = ["--local", "10.20.1.4:3389", "--remote", "203.0.113.7:50000"];
    let ran = |more: &[&str]| azaudit_in(&folder.path(""), &[&flow[..], &ends, more].concat());
    assert!(ran(&["-v"]).stderr.contains("configuration: azaudit.toml\n"), "{}", ran(&["-v"]).stderr);
    assert!(!ran(&[]).stderr.contains("configuration"));
}
