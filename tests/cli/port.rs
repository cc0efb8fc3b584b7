use crate::support::azaudit;

const NOW: &str = "2026-01-01T00:00:00Z";
const PACK: &str = "testdata/packs/ssh";
/// An endpoint that answers the Internet on port 22, and one that does on port 3389.
const MACHINES: &str = "testdata/packs/ssh/ssh-open-to-internet.json";

#[test]
fn a_policy_with_a_port_of_its_own_is_judged_by_facts_of_that_port() {
    let run = |more: &[&str]| {
        let fixed = ["scan", "--from", MACHINES, "--now", NOW, "--format", "json", "--policies", PACK];
        azaudit(&[&fixed[..], &["--policy", "*-open-to-internet", "--show", "pass"], more].concat())
    };
    let ran = run(&[]);
    let mut results = ran.results();
    results.sort();
    assert_eq!(
        results,
        [
            "rdp-open-to-internet fail passes-port-3389",
            "rdp-open-to-internet pass fails-port-22",
            "ssh-open-to-internet fail fails-port-22",
            "ssh-open-to-internet pass passes-port-3389",
        ]
    );
    let report = ran.json();
    assert_eq!(report["summary"]["subjects"], serde_json::json!({"rdpEndpoint": 2}));
    let ports = |policy: &str| {
        let results = report["results"].as_array().unwrap().iter().filter(|it| it["policy"] == policy);
        results.map(|it| it["evidence"]["port"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((ports("rdp-open-to-internet"), ports("ssh-open-to-internet")), (vec![3389, 3389], vec![22, 22]));

    // The configured port is that of the others alone, and where the two are one nothing is judged twice.
    let mut results = run(&["--rdp-port", "22"]).results();
    results.sort();
    assert_eq!(
        results,
        [
            "rdp-open-to-internet fail fails-port-22",
            "rdp-open-to-internet pass passes-port-3389",
            "ssh-open-to-internet fail fails-port-22",
            "ssh-open-to-internet pass passes-port-3389",
        ]
    );
}
