//! Policies that cost too much or nest too deep: refused when they are read, or stopped, and named.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Folder, Ran, azaudit};

fn policy(check: &str) -> String {
    format!(
        "title: T\nseverity: low\nsubject: resource\ntype: A.B/c\ncheck: >-\n  {check}\nmessage: M\n\
         remediation: {{text: R}}\n"
    )
}

fn check(text: &str) -> (Ran, String) {
    let folder = Folder::new(&[("costly.yaml", text.as_bytes())]);
    let ran = azaudit(&["policies", "check", &folder.text("")]);
    let said = ran.stderr.replace(&folder.text("costly.yaml"), "costly.yaml");
    (ran, said)
}

#[test]
fn an_expression_that_walks_too_far_is_stopped() {
    let scan = |numbers: usize| {
        let check = "resource.properties.n.all(x, resource.properties.n.exists(y, y == x))";
        let numbers: Vec<usize> = (0..numbers).collect();
        let resource = json!([{"id": "/subscriptions/s/resourceGroups/g/providers/A.B/c/x", "name": "x", "type": "A.B/c",
            "properties": {"n": numbers}}]);
        let (policy, estate) = (policy(check), resource.to_string());
        let files: [(&str, &[u8]); 2] = [("p/costly.yaml", policy.as_bytes()), ("x.json", estate.as_bytes())];
        let folder = Folder::new(&files);
        let (policies, from) = (folder.text("p"), folder.text("x.json"));
        let started = Instant::now();
        let ran = azaudit(&[
            "scan",
            "--from",
            &from,
            "--policies",
            &policies,
            "--no-builtin-policies",
            "--format",
            "json",
            "--show",
            "pass",
        ]);
        assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
        let result = &ran.json()["results"][0];
        (result["verdict"].as_str().unwrap().to_owned(), result["message"].as_str().unwrap().to_owned())
    };
    assert_eq!(scan(100).0, "pass");
    let (verdict, message) = scan(2_000);
    assert_eq!(verdict, "unknown");
    let said = "cannot tell: the policy `costly` went wrong: the expression needs more than 1000000 steps";
    assert_eq!(message, said);
}

#[test]
fn an_expression_that_nests_too_deep_is_refused() {
    let nested = |depth: usize| check(&policy(&format!("{}true{}", "!(".repeat(depth), ")".repeat(depth))));
    assert_eq!(nested(40).0.code, 0, "{}", nested(40).1);
    let (ran, said) = nested(70);
    assert_eq!(ran.code, 2);
    assert!(said.contains("costly.yaml:6:") && said.contains("nested more than 64 levels deep"), "{said}");
    let (ran, said) = nested(20_000);
    assert_eq!(ran.code, 2);
    assert!(said.contains("costly.yaml:6:") && said.contains("60004 bytes long, more than 1024"), "{said}");
}

#[test]
fn macros_within_macros_are_refused() {
    let walk = |depth: usize| {
        let (open, close) = (0..depth).fold((String::new(), String::new()), |(open, close), i| {
            (format!("{open}resource.zones.all(x{i}, "), format!("{close})"))
        });
        check(&policy(&format!("{open}true{close}")))
    };
    assert_eq!(walk(2).0.code, 0, "{}", walk(2).1);
    let (ran, said) = walk(3);
    assert_eq!(ran.code, 2);
    assert!(said.contains("costly.yaml:6:") && said.contains("more than 2 macros within one another"), "{said}");
}

#[test]
fn a_pattern_that_would_take_all_memory_is_refused() {
    let matches = |times: u32| check(&policy(&format!("resource.name.matches('(a{{{times}}}){{{times}}}')")));
    assert_eq!(matches(10).0.code, 0, "{}", matches(10).1);
    let (ran, said) = matches(9_999);
    assert_eq!(ran.code, 2);
    assert!(said.contains("costly.yaml:6:") && said.contains("not a regular expression"), "{said}");
}

#[test]
fn a_file_that_unfolds_without_end_is_refused() {
    let mut text = String::from("a0: &a0 [x, x]\n");
    for i in 1..40 {
        text.push_str(&format!("a{i}: &a{i} [*a{}, *a{}]\n", i - 1, i - 1));
    }
    let (ran, said) = check(&text);
    assert_eq!(ran.code, 2);
    assert!(said.contains("costly.yaml:"), "{said}");
    let (ran, said) = check(&format!("title: {}x{}\n", "[".repeat(100_000), "]".repeat(100_000)));
    assert_eq!(ran.code, 2);
    assert!(said.contains("costly.yaml:"), "{said}");
}
