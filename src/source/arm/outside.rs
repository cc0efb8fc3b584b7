//! What lies outside the scope, but is referred to from within: a peered network, a public address elsewhere.

use std::sync::Arc;

use super::client::{Client, Step};
use super::failure::Failure;
use super::graph::Asked;
use super::intake::{Intake, Wanted};
use super::plan::all;
use super::row::Row;
use super::{kinds, lists, references};
use crate::source::Reason;

/// How often references of references are followed. The longest chain that the audit needs is machine, interface,
/// network, security group.
const ROUNDS: usize = 4;
/// How many are asked for before their answers are looked at.
const CHUNK: usize = 64;

/// Reads by GET what is referred to and was not read. What cannot be read is a gap.
pub(super) async fn read(client: &Arc<Client>, intake: &mut Intake<'_>) {
    for _ in 0..ROUNDS {
        let wanted = std::mem::take(&mut intake.wanted);
        let mut wanted: Vec<Wanted> =
            wanted.into_iter().filter(|(key, _)| !intake.has(key)).map(|(_, wanted)| wanted).collect();
        if wanted.is_empty() {
            return;
        }
        while !wanted.is_empty() {
            let rest = wanted.split_off(wanted.len().min(CHUNK));
            let jobs = wanted.into_iter().map(|wanted| {
                let client = Arc::clone(client);
                async move { (lists::get(&client, Step::References, &wanted.id, wanted.ty).await, wanted) }
            });
            let answers = all(jobs.collect()).await;
            let silent = answers.iter().all(|(answer, _)| matches!(answer, Err(it) if it.status.is_none()));
            for (answer, wanted) in answers {
                match answer {
                    Ok(row) => take(&row, &wanted, intake),
                    // As in an export that ends there: whatever rests on it is unknown, and nothing was refused.
                    Err(failure) if is_absent(&failure) => {
                        tracing::info!(id = wanted.id, "is referred to, and is not there");
                    }
                    Err(failure) => intake.gap(failure.gap(&wanted.id, wanted.ty)),
                }
            }
            wanted = rest;
            if silent && wanted.len() >= CHUNK {
                // Nobody answers. Asking thousands more times would take hours.
                for wanted in wanted.drain(..) {
                    let failure = Failure::new(Reason::Unreachable, "not asked for, since nothing else was answered");
                    intake.gap(failure.gap(&wanted.id, wanted.ty));
                }
            }
        }
    }
}

/// Whether Azure says that there is no such resource, rather than that nobody may see it.
fn is_absent(failure: &Failure) -> bool {
    let code = failure.code.as_deref().unwrap_or_default().to_lowercase();
    failure.status == Some(404) && !code.contains("subscription")
}

fn take(row: &Row, wanted: &Wanted, intake: &mut Intake<'_>) {
    intake.take_outside(row, wanted.input);
    let refers = match wanted.ty {
        // Of a network elsewhere, only the subnets that are in use matter.
        kinds::VIRTUAL_NETWORK => row.refers_by_subnets(&|subnet| wanted.subnets.contains(subnet)),
        ty if references::followed(ty) => row.refers.clone(),
        _ => Vec::new(),
    };
    for target in refers {
        intake.want(&target, wanted.input);
    }
    if wanted.ty == kinds::FIREWALL_POLICY {
        intake.policies.push((row.id.clone(), wanted.input));
    }
}

/// Which scopes a refused query leaves without rules of firewall policies.
pub(super) fn without_rules(asked: &Asked) -> Vec<usize> {
    let under = asked.query.kinds.iter().any(|kind| matches!(kind.listing, kinds::Listing::Under(_)));
    if under { asked.scopes.iter().map(|(input, _)| *input).collect() } else { Vec::new() }
}
