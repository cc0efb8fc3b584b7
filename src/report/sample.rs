//! Sample reports that the tests of all formats share.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use time::macros::datetime;

use super::{Counts, Report, RunMeta, SourceKind};
use crate::facts::{Identity, SubjectKind};
use crate::inventory::ResourceId;
use crate::policy::{Judgement, Metadata, Remediation, Severity, Verdict};
use crate::source::{Gap, Input, Reason};

/// A name that tries to colour the terminal, to break the line, to turn the text around and to hide in it.
pub const HOSTILE: &str = "root\x1b[31m\nfix: rm -rf /\u{202e}gnp.exe\u{200b}\x07";

const SUBSCRIPTION: &str = "3f1c0d52-7d0b-4a55-9c3e-5a0f6f1b2c11";

fn id(rest: &str) -> ResourceId {
    ResourceId::new(&format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{rest}"))
}

fn policy(id: &str, title: &str, symptoms: &[&str]) -> Arc<Metadata> {
    let reference = "https://learn.microsoft.com/azure/vpn-gateway/point-to-site-about";
    Arc::new(Metadata {
        id: id.to_owned(),
        title: title.to_owned(),
        symptoms: symptoms.iter().map(|&symptom| symptom.to_owned()).collect(),
        references: vec![reference.to_owned()],
        frameworks: BTreeMap::new(),
    })
}

fn map(evidence: Value) -> serde_json::Map<String, Value> {
    evidence.as_object().cloned().unwrap_or_default()
}

fn mend(text: &str, commands: &[String]) -> Remediation {
    Remediation { text: text.to_owned(), commands: commands.to_vec() }
}

/// A finding about the layout of a certificate.
pub fn certificate(gateway: &str, element: &str) -> Judgement {
    Judgement {
        policy: policy(
            "p2s-root-certificate-format",
            "Root certificate data is one line of base64 without PEM lines or spaces",
            &["portal-save-cert-data-invalid", "p2s-bad-format-0x80090326"],
        ),
        severity: Severity::High,
        verdict: Verdict::Fail,
        subject: Identity {
            kind: SubjectKind::RootCertificate,
            id: id(&format!("rg-network/providers/Microsoft.Network/virtualNetworkGateways/{gateway}")),
            name: gateway.to_owned(),
            element: Some(element.to_owned()),
            location: Some("westeurope".to_owned()),
        },
        message: format!("{element} on {gateway}: the data has a line break at character 64, so clients reject it"),
        evidence: map(json!({"layout": "lineBreaks", "offset": 64, "sha256": "9f86d081884c7d65"})),
        remediation: mend(
            "Upload the certificate again as one unbroken line.",
            &[format!(
                "az network vnet-gateway root-cert create --resource-group rg-network --gateway-name {gateway} --name {element} --public-cert-data MIIC --subscription {SUBSCRIPTION}"
            )],
        ),
    }
}

fn open(interface: &str) -> Judgement {
    let commands = [format!(
        "az network nsg rule update --resource-group rg-apps --nsg-name nsg-jump --name AllowRDP --source-address-prefixes VirtualNetwork --subscription {SUBSCRIPTION}"
    )];
    Judgement {
        policy: policy("rdp-open-to-internet", "Remote Desktop is not open to the Internet", &[]),
        severity: Severity::Critical,
        verdict: Verdict::Fail,
        subject: Identity {
            kind: SubjectKind::RdpEndpoint,
            id: id(&format!("rg-apps/providers/Microsoft.Network/networkInterfaces/{interface}")),
            name: interface.to_owned(),
            element: Some("ipconfig1".to_owned()),
            location: Some("westeurope".to_owned()),
        },
        message: format!("Anyone on the Internet reaches Remote Desktop on {interface} through 20.61.4.17:3389"),
        evidence: map(json!({
            "sources": ["0.0.0.0/0"],
            "rules": [{"level": "subnet", "rule": null}, {"level": "nic", "rule": "AllowRDP"}],
            "witness": {"source": "1.0.0.1", "protocol": "Tcp", "port": 3389, "tag": null},
        })),
        remediation: mend("Let only the VPN or Azure Bastion reach the port.", &commands),
    }
}

fn unknown(interface: &str) -> Judgement {
    Judgement {
        verdict: Verdict::Unknown,
        message: "the network security group `nsg-db` was not read: include it in the export".to_owned(),
        evidence: map(json!({})),
        remediation: Remediation::default(),
        ..open(interface)
    }
}

fn session(verdict: Verdict, gateway: &str) -> Judgement {
    let near = certificate(gateway, "");
    let fails = verdict == Verdict::Fail;
    Judgement {
        policy: policy(
            "p2s-connections-near-limit",
            "Point-to-site sessions stay below 80 % of the limit",
            &["too-many-clients"],
        ),
        severity: Severity::Medium,
        verdict,
        subject: Identity { kind: SubjectKind::Gateway, element: None, ..near.subject },
        message: if fails { format!("{gateway} serves 205 of 250 sessions") } else { String::new() },
        evidence: if fails { map(json!({"sessions": 205, "limit": 250})) } else { map(json!({})) },
        remediation: if fails { mend("Choose a larger SKU.", &[]) } else { Remediation::default() },
    }
}

fn meta() -> RunMeta {
    RunMeta {
        now: datetime!(2026-01-01 0:00 UTC),
        kind: SourceKind::Offline,
        cloud: "public".to_owned(),
        subscriptions: vec![SUBSCRIPTION.to_owned()],
        inputs: vec![Input { path: "exports/contoso.json".to_owned(), shape: "arm-array".to_owned(), resources: 12 }],
        resources: 12,
        gaps: Vec::new(),
    }
}

fn counted(meta: RunMeta, judgements: Vec<Judgement>) -> Report {
    let mut counts = Counts::default();
    for judgement in &judgements {
        counts.verdict(judgement.verdict, judgement.severity);
    }
    counts.subjects(SubjectKind::Gateway, 2);
    counts.subjects(SubjectKind::RootCertificate, 2);
    counts.subjects(SubjectKind::RdpEndpoint, 5);
    Report::new(meta, judgements, counts)
}

/// Findings of three severities, two of one policy that share their command, two unknown for one reason, one gap.
pub fn report() -> Report {
    let mut meta = meta();
    meta.gaps.push(Gap {
        scope: "exports/old.json".to_owned(),
        what: "file".to_owned(),
        reason: Reason::Truncated,
        detail: "line 812, column 9: the file ends inside an object".to_owned(),
    });
    let kept = vec![
        session(Verdict::Fail, "vpngw-hub-weu"),
        unknown("nic-db-01"),
        unknown("nic-db-02"),
        certificate("vpngw-hub-weu", "P2SRoot-2024"),
        certificate("vpngw-hub-weu", "Lab"),
        open("nic-jump-01"),
        open("nic-jump-02"),
    ];
    let mut report = counted(meta, kept);
    report.counts.verdict(Verdict::Pass, Severity::High);
    report.counts.verdict(Verdict::NotApplicable, Severity::High);
    report
}

/// Everything passed, and the passes are shown.
pub fn nothing_found() -> Report {
    counted(meta(), vec![session(Verdict::Pass, "vpngw-hub-weu"), session(Verdict::Pass, "vpngw-spoke-neu")])
}

/// One finding and one gap whose every name is [`HOSTILE`].
pub fn hostile() -> Report {
    let mut finding = certificate(HOSTILE, HOSTILE);
    finding.evidence = map(json!({HOSTILE: HOSTILE, "list": [HOSTILE], "record": {"name": HOSTILE}}));
    finding.remediation.text = format!("Remove {HOSTILE}");
    let mut unread = finding.clone();
    unread.verdict = Verdict::Unknown;
    let mut meta = meta();
    meta.inputs[0].path = HOSTILE.to_owned();
    meta.gaps.push(Gap {
        scope: HOSTILE.to_owned(),
        what: HOSTILE.to_owned(),
        reason: Reason::Damaged,
        detail: HOSTILE.to_owned(),
    });
    counted(meta, vec![finding, unread])
}
