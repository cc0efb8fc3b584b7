//! Signing in with the credentials of azure_identity, each in a process with an environment of its own.

mod support;

use std::process::{Command, Output};
use std::time::Duration;

use azaudit::source::arm::{self, Auth, LiveOptions};
use clap::ValueEnum;
use serde_json::json;
use wiremock::{Request, ResponseTemplate};

use support::mock_arm::MockArm;
use support::recording::Recording;

const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";

/// Runs in the child: audits what the environment names as the identity that it names, and prints what came of it.
#[test]
#[ignore = "the other tests run it, with an environment for each"]
fn child() {
    let auth = Auth::from_str(&std::env::var("TEST_AUTH").unwrap(), true).unwrap();
    let options = LiveOptions {
        auth,
        subscriptions: vec![SUBSCRIPTION.into()],
        timeout: Duration::from_secs(20),
        ..LiveOptions::default()
    };
    let mut sink = Recording::default();
    match arm::collect(&options, &|name| std::env::var(name).ok(), &mut sink) {
        Ok(report) => println!("audited {:?} in {}", report.subscriptions, report.cloud),
        Err(error) => println!("error: {error}\nhint: {}", error.hint()),
    }
}

/// The child's output, as identity `auth`.
fn run(arm: &MockArm, auth: &str, variables: &[(&str, &str)]) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "child", "--ignored", "--nocapture"]).env_clear();
    child.env("TEST_AUTH", auth).env("AZURE_RESOURCE_MANAGER_ENDPOINT", arm.url());
    let Output { status, stdout, stderr } = child.envs(variables.iter().copied()).output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

fn start() -> MockArm {
    MockArm::start(vec![]).subscription(SUBSCRIPTION, "Contoso")
}

fn bearers(arm: &MockArm) -> Vec<String> {
    let mut tokens: Vec<String> = arm
        .requests()
        .iter()
        .filter_map(|it| Some(it.headers.get("authorization")?.to_str().unwrap().into()))
        .collect();
    tokens.dedup();
    tokens
}

#[test]
fn the_managed_identity_of_an_app_service_signs_in() {
    let arm = start();
    let endpoint = arm.identity_endpoint();
    for auth in ["managed-identity", "auto"] {
        let said = run(&arm, auth, &[("IDENTITY_ENDPOINT", &endpoint), ("IDENTITY_HEADER", "secret")]);
        assert!(said.contains(&format!(r#"audited ["{SUBSCRIPTION}"] in public"#)), "{said}");
    }
    assert_eq!(bearers(&arm), ["Bearer token-of-managed-identity"]);
    let requests = arm.requests();
    let asked: Vec<&Request> = requests.iter().filter(|it| it.url.path() == "/msi/token").collect();
    assert_eq!(asked.len(), 2, "one token a run");
    assert_eq!(asked[0].headers["x-identity-header"], "secret");
    assert!(asked[0].url.query_pairs().any(|it| it == ("resource".into(), "https://management.azure.com".into())));
}

#[cfg(unix)]
#[test]
fn whoever_signed_in_to_the_azure_cli_signs_in() {
    use std::os::unix::fs::PermissionsExt;
    let arm = start();
    let folder = tempfile::tempdir().unwrap();
    let az = folder.path().join("az");
    let token = json!({"accessToken": "token-of-az", "expires_on": 4_000_000_000_u64, "tokenType": "Bearer"});
    std::fs::write(&az, format!("#!/bin/sh\necho \"$@\" > '{}.args'\necho '{token}'\n", az.display())).unwrap();
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o755)).unwrap();
    let said = run(&arm, "cli", &[("PATH", folder.path().to_str().unwrap())]);
    assert!(said.contains("audited"), "{said}");
    assert_eq!(bearers(&arm), ["Bearer token-of-az"]);
    let arguments = std::fs::read_to_string(folder.path().join("az.args")).unwrap();
    assert_eq!(arguments.trim(), "account get-access-token -o json --scope https://management.azure.com/.default");
}

#[test]
fn without_any_identity_each_says_why() {
    let refused = ResponseTemplate::new(400).set_body_string("no identity");
    let arm = start().always(|request| request.url.path() == "/msi/token", refused);
    let endpoint = arm.identity_endpoint();
    let said =
        run(&arm, "auto", &[("PATH", "/nowhere"), ("IDENTITY_ENDPOINT", &endpoint), ("IDENTITY_HEADER", "secret")]);
    for line in [
        "error: no identity to sign in with",
        "environment: AZURE_TENANT_ID and AZURE_CLIENT_ID are not both set",
        "workload identity: AZURE_FEDERATED_TOKEN_FILE is not set",
        "managed identity: ",
        "Azure CLI: AzureCliCredential authentication failed. az not found on PATH",
        "hint: sign in with `az login`",
    ] {
        assert!(said.lines().any(|it| it.starts_with(line)), "{line}\n{said}");
    }
    assert_eq!(bearers(&arm), [""; 0], "nothing is asked without a token");
}

#[test]
fn a_missing_variable_is_named() {
    let arm = start();
    let half = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c")];
    let said = run(&arm, "environment", &half);
    assert!(said.contains("environment: AZURE_CLIENT_SECRET is not set"), "{said}");
    let said = run(&arm, "environment", &[half[0], half[1], ("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem")]);
    assert!(said.contains("is not supported yet"), "{said}");
    let said = run(&arm, "azure-pipelines", &[half[0], half[1], ("AZURE_SERVICE_CONNECTION_ID", "s")]);
    assert!(said.contains("Azure Pipelines: SYSTEM_ACCESSTOKEN is not set"), "{said}");
}

#[test]
fn an_authority_without_https_is_refused_before_the_secret_leaves() {
    let arm = start();
    let said = run(
        &arm,
        "environment",
        &[
            ("AZURE_TENANT_ID", "t"),
            ("AZURE_CLIENT_ID", "c"),
            ("AZURE_CLIENT_SECRET", "very-secret"),
            ("AZURE_AUTHORITY_HOST", &arm.url()),
        ],
    );
    assert!(said.contains("environment: authority host doesn't use HTTPS scheme"), "{said}");
    assert!(!said.contains("very-secret"));
    assert!(arm.requests().is_empty());
}
