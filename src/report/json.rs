//! The JSON report, schema `azaudit.report/v1`: a contract with types of its own, so that no change to the
//! program's inner types changes it. Keys stand in the order of the contract, and no key is ever missing.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::{Format, Report, fingerprint};
use crate::policy::{Judgement, Severity, Verdict};

/// The JSON report, pretty-printed and with a final line break. Results are written one by one.
pub struct Json;

impl Format for Json {
    fn write(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let mut out = io::BufWriter::with_capacity(1 << 16, out);
        serde_json::to_writer_pretty(&mut out, &document(report))?;
        out.write_all(b"\n")?;
        out.flush()
    }
}

fn document(report: &Report) -> Document<'_> {
    let meta = &report.meta;
    Document {
        schema: "azaudit.report/v1",
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        now: rfc3339(meta.now),
        source: Source {
            kind: meta.kind.word(),
            cloud: &meta.cloud,
            subscriptions: &meta.subscriptions,
            inputs: meta
                .inputs
                .iter()
                .map(|input| Input { path: &input.path, shape: &input.shape, resources: input.resources })
                .collect(),
        },
        summary: Summary {
            resources: meta.resources,
            subjects: report.counts.by_kind().iter().map(|(kind, number)| (kind.word(), *number)).collect(),
            verdicts: Verdict::ALL.map(|verdict| (verdict.word(), report.counts.of(verdict))).into(),
            fail: Severity::ALL.map(|severity| (severity.word(), report.counts.failures(severity))).into(),
        },
        gaps: meta
            .gaps
            .iter()
            .map(|gap| Gap { scope: &gap.scope, what: &gap.what, reason: gap.reason.to_string(), detail: &gap.detail })
            .collect(),
        results: Results(&report.results),
    }
}

/// The moment in UTC, in whole seconds: `2026-01-01T00:00:00Z`.
pub(super) fn rfc3339(moment: OffsetDateTime) -> String {
    let utc = moment.checked_to_offset(UtcOffset::UTC).unwrap_or(moment);
    let seconds = utc.replace_nanosecond(0).unwrap_or(utc);
    // Years past 9999 have no RFC 3339 form.
    seconds.format(&Rfc3339).unwrap_or_else(|_| seconds.to_string())
}

#[derive(serde::Serialize)]
struct Document<'a> {
    schema: &'static str,
    tool: Tool,
    now: String,
    source: Source<'a>,
    summary: Summary,
    gaps: Vec<Gap<'a>>,
    results: Results<'a>,
}

#[derive(serde::Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(serde::Serialize)]
struct Source<'a> {
    kind: &'static str,
    cloud: &'a str,
    subscriptions: &'a [String],
    inputs: Vec<Input<'a>>,
}

#[derive(serde::Serialize)]
struct Input<'a> {
    path: &'a str,
    shape: &'a str,
    resources: u64,
}

#[derive(serde::Serialize)]
struct Summary {
    resources: u64,
    subjects: Ordered,
    verdicts: Ordered,
    fail: Ordered,
}

#[derive(serde::Serialize)]
struct Gap<'a> {
    scope: &'a str,
    what: &'a str,
    reason: String,
    detail: &'a str,
}

/// A JSON object whose members keep their order.
struct Ordered(Vec<(&'static str, u64)>);

impl<const N: usize> From<[(&'static str, u64); N]> for Ordered {
    fn from(members: [(&'static str, u64); N]) -> Self {
        Self(members.into())
    }
}

impl FromIterator<(&'static str, u64)> for Ordered {
    fn from_iter<I: IntoIterator<Item = (&'static str, u64)>>(members: I) -> Self {
        Self(members.into_iter().collect())
    }
}

impl Serialize for Ordered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

struct Results<'a>(&'a [Judgement]);

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(result))
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'a> {
    policy: &'a str,
    title: &'a str,
    severity: &'static str,
    verdict: &'static str,
    subject: Subject<'a>,
    message: &'a str,
    evidence: &'a Map<String, Value>,
    remediation: Remediation<'a>,
    symptoms: &'a [String],
    references: &'a [String],
    frameworks: &'a BTreeMap<String, Vec<String>>,
    fingerprint: String,
    status: &'static str,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Subject<'a> {
    kind: &'static str,
    id: &'a str,
    name: &'a str,
    element: Option<&'a str>,
    resource_group: Option<&'a str>,
    subscription: Option<&'a str>,
    location: Option<&'a str>,
}

/// Both keys also where nothing is to be mended, so that `.remediation.commands[]` holds for every result.
#[derive(serde::Serialize)]
struct Remediation<'a> {
    text: &'a str,
    commands: &'a [String],
}

/// One result, as in the report.
pub(super) fn finding(judgement: &Judgement) -> Value {
    serde_json::to_value(result(judgement)).unwrap_or_default()
}

fn result(judgement: &Judgement) -> Finding<'_> {
    let Judgement { policy, subject, .. } = judgement;
    let some = |text| Some(text).filter(|text: &&str| !text.is_empty());
    Finding {
        policy: &policy.id,
        title: &policy.title,
        severity: judgement.severity.word(),
        verdict: judgement.verdict.word(),
        subject: Subject {
            kind: subject.kind.word(),
            id: subject.id.as_str(),
            name: &subject.name,
            element: subject.element.as_deref(),
            resource_group: some(subject.id.resource_group()),
            subscription: some(subject.id.subscription()),
            location: subject.location.as_deref(),
        },
        message: &judgement.message,
        evidence: &judgement.evidence,
        remediation: Remediation { text: &judgement.remediation.text, commands: &judgement.remediation.commands },
        symptoms: &policy.symptoms,
        references: &policy.references,
        frameworks: &policy.frameworks,
        fingerprint: fingerprint(judgement),
        status: "new",
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn json(report: &Report) -> String {
        let mut out = Vec::new();
        Json.write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn sample_report() {
        insta::assert_snapshot!(json(&sample::report()));
    }

    #[test]
    fn nothing_found_still_has_every_key() {
        insta::assert_snapshot!(json(&sample::nothing_found()));
    }

    #[test]
    fn remediation_has_both_keys_also_where_nothing_is_to_be_mended() {
        let document: Value = serde_json::from_str(&json(&sample::nothing_found())).unwrap();
        let results = document["results"].as_array().unwrap();
        assert!(!results.is_empty());
        for result in results {
            assert_eq!(result["remediation"], serde_json::json!({"text": "", "commands": []}));
        }
    }

    #[test]
    fn hostile_names_are_kept_as_they_are() {
        let document: Value = serde_json::from_str(&json(&sample::hostile())).unwrap();
        assert_eq!(document["results"][0]["subject"]["element"], sample::HOSTILE);
        let commands = document["results"][0]["remediation"]["commands"][0].as_str().unwrap();
        assert!(commands.contains(sample::HOSTILE));
    }

    #[test]
    fn the_moment_is_utc_in_whole_seconds() {
        let moment = time::macros::datetime!(2026-01-01 01:00:00.75 +1);
        assert_eq!(rfc3339(moment), "2026-01-01T00:00:00Z");
    }
}
