//! The policies themselves, for people and for machines.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::layout::{limit_columns, list};
use super::text::visible;
use crate::count::counted;
use crate::policy::{Policy, PolicySet};

/// Writes a list of objects, one for each policy, ordered by id.
pub fn json(policies: &PolicySet, out: &mut dyn Write) -> io::Result<()> {
    let objects: Vec<_> = sorted(policies).into_iter().map(object).collect();
    serde_json::to_writer_pretty(&mut *out, &objects)?;
    writeln!(out)
}

/// What a list tells of a policy.
pub(super) fn object(policy: &Policy) -> Value {
    let it = &policy.metadata;
    let params: Map<String, Value> = policy.params().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    json!({
        "id": it.id, "title": it.title, "why": policy.why, "severity": policy.severity,
        "subject": policy.subject.word(), "type": policy.resource_type, "port": policy.port, "params": params,
        "symptoms": it.symptoms, "references": it.references, "frameworks": it.frameworks, "path": policy.path,
    })
}

/// Writes a table of that many columns.
pub fn table(policies: &PolicySet, width: u16, out: &mut dyn Write) -> io::Result<()> {
    let mut table = list(width, ["Policy", "Severity", "Subject", "What should be"]);
    for policy in sorted(policies) {
        let title = visible(&policy.metadata.title);
        table.add_row([policy.id(), policy.severity.word(), policy.subject.word(), &title]);
    }
    limit_columns(&mut table, width);
    writeln!(out, "{table}")?;
    writeln!(out, "{}", counted(policies.len() as u64, "policy"))
}

fn sorted(policies: &PolicySet) -> Vec<&Policy> {
    let mut sorted: Vec<&Policy> = policies.iter().collect();
    sorted.sort_by(|a, b| a.id().cmp(b.id()));
    sorted
}
