//! What every command that looks at an estate does first: read the source, and tell what came of it.

use std::io;
use std::time::Duration;

use time::OffsetDateTime;

use crate::cli::Source;
use crate::env;
use crate::error::Failure;
use crate::inventory::{self, Inventory, WholeTypes};
use crate::printer::Printer;
use crate::report::order_of_gaps;
use crate::source::arm::{self, LiveOptions, LiveReport};
use crate::source::{Gap, Sink, offline};
use crate::visible::visible;

/// Reads the source, resources of the named types whole; `Some`: it was live. Gaps are left to the caller, unless nothing came of it.
///
/// # Errors
///
/// Nothing could be read, or nothing that the audit knows.
pub(super) fn gather(
    source: &Source,
    now: OffsetDateTime,
    whole: &WholeTypes,
    printer: &Printer,
) -> Result<(Option<LiveReport>, Inventory), Failure> {
    let (read, inventory) = inventory::collect_whole(whole, |sink| read(source, now, whole, sink));
    inventory.notes.iter().for_each(|note| printer.warning(note));
    let live = match read {
        Ok(live) => live,
        Err(failure) => return Err(tell_gaps(&inventory, printer, failure)),
    };
    if live.is_none() && inventory.known == 0 {
        return Err(tell_gaps(&inventory, printer, nothing_known(&inventory)));
    }
    for input in &inventory.inputs {
        printer.detail(format!("read `{}`: {}, resources: {}", input.path, input.shape, input.resources));
    }
    for (step, count) in live.iter().flat_map(|live| &live.requests) {
        printer.detail(format!("{count} requests: {step}"));
    }
    Ok((live, inventory))
}

/// Reads the source into the sink. `Some`: it was live.
fn read(
    source: &Source,
    now: OffsetDateTime,
    whole: &WholeTypes,
    sink: &mut dyn Sink,
) -> Result<Option<LiveReport>, Failure> {
    if !source.from.is_empty() {
        offline::read(&source.from, &mut io::stdin().lock(), sink).map_err(|error| {
            Failure::new(error).hint("--from takes files, folders that hold *.json or *.jsonl, and - for stdin")
        })?;
        return Ok(None);
    }
    let options = LiveOptions {
        subscriptions: source.subscription.clone(),
        all_subscriptions: source.all_subscriptions,
        management_groups: source.management_group.clone(),
        resource_group: source.resource_group.clone(),
        auth: source.auth,
        cloud: source.cloud.unwrap_or_default(),
        arm_endpoint: source.arm_endpoint.clone(),
        sessions: source.sessions,
        timeout: Duration::from_secs(source.timeout),
        now,
        types: whole.iter().map(str::to_owned).collect(),
        ..LiveOptions::default()
    };
    let report = arm::collect(&options, &env::var, sink);
    report.map(Some).map_err(|error| Failure::new(&error).hint(error.hint()))
}

/// Before the run ends with an error, what could not be read may tell why.
pub(super) fn tell_gaps(inventory: &Inventory, printer: &Printer, failure: Failure) -> Failure {
    let mut gaps: Vec<&Gap> = inventory.gaps.iter().collect();
    gaps.sort_by(|a, b| order_of_gaps(a, b));
    gaps.into_iter().for_each(|gap| printer.gap(gap));
    failure
}

fn nothing_known(inventory: &Inventory) -> Failure {
    let inputs = &inventory.inputs;
    let place = match inputs.as_slice() {
        [input] if input.path == "-" => "on standard input".to_owned(),
        [input] => format!("in `{}`", visible(&input.path)),
        _ => format!("in the {} inputs", inputs.len()),
    };
    let what = match inventory.resources {
        // A gap says more than the type of what is left.
        1 if !inventory.gaps.is_empty() => format!("the one resource {place} could not be read"),
        count if count > 1 && !inventory.gaps.is_empty() => {
            format!("of the {count} resources {place} none was read that the audit knows")
        }
        0 => format!("there is no ARM resource {place}"),
        1 => format!("the one resource {place} is of a type that the audit does not know"),
        count => format!("none of the {count} resources {place} is of a type that the audit knows"),
    };
    let hint = match inventory.gaps.is_empty() {
        true => {
            "export gateways, networks, route tables, security groups, interfaces and public addresses in the REST \
             shape, as `az rest --url …` and `az resource show` print it"
        }
        false => "what kept it from being read stands above",
    };
    Failure::new(format!("nothing to audit: {what}")).hint(hint)
}
