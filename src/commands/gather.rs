//! What every command that looks at an estate does first: read the source, and tell what came of it.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use time::OffsetDateTime;

use crate::cli::Source;
use crate::env;
use crate::error::Failure;
use crate::inventory::{self, Inventory, WholeTypes};
use crate::printer::Printer;
use crate::report::order_of_gaps;
use crate::snapshot::Tee;
use crate::source::arm::{self, LiveOptions, LiveReport};
use crate::source::snapshot::{Live, Recorded};
use crate::source::{Gap, Reason, Sink, offline};
use crate::visible::visible;

/// What a run learned of its source, beside the inventory.
#[derive(Debug, Default)]
pub(super) struct Origin {
    /// Whether Azure itself was read.
    pub(super) live: Option<LiveReport>,
    /// The cloud: what the live source, or the one that was recorded, says; else what was named.
    pub(super) cloud: Option<String>,
    /// The cloud that was named on this command line, else on the one that recorded.
    pub(super) named_cloud: Option<String>,
    /// The subscriptions that were read live, now or when it was recorded; `None` where files of other kinds were read.
    pub(super) subscriptions: Option<Vec<String>>,
}

/// Reads the source, resources of the named types whole. Gaps are left to the caller, unless nothing came of it.
///
/// # Errors
///
/// Nothing could be read, or nothing that the audit knows.
pub(super) fn gather(
    source: &Source,
    now: OffsetDateTime,
    whole: &WholeTypes,
    printer: &Printer,
) -> Result<(Origin, Inventory), Failure> {
    gather_into(source, now, whole, printer, None)
}

/// As [`gather`]; everything that the source hands over goes to the recorder too.
///
/// # Errors
///
/// As [`gather`].
pub(super) fn gather_into(
    source: &Source,
    now: OffsetDateTime,
    whole: &WholeTypes,
    printer: &Printer,
    recorder: Option<&mut dyn Sink>,
) -> Result<(Origin, Inventory), Failure> {
    let (result, mut inventory) = inventory::collect_whole(whole, |sink| match recorder {
        Some(recorder) => read(source, now, whole, &mut Tee(sink, recorder)),
        None => read(source, now, whole, sink),
    });
    inventory.notes.iter().for_each(|note| printer.warning(note));
    let (live, recorded) = match result {
        Ok(read) => read,
        Err(failure) => return Err(tell_gaps(&inventory, printer, failure)),
    };
    not_recorded(&recorded, whole, &mut inventory);
    let were_live = recorded.iter().any(|it| it.live.is_some());
    if live.is_none() && !were_live && inventory.known == 0 {
        return Err(tell_gaps(&inventory, printer, nothing_known(&inventory)));
    }
    for input in &inventory.inputs {
        printer.detail(format!("read `{}`: {}, resources: {}", input.path, input.shape, input.resources));
    }
    for (step, count) in live.iter().flat_map(|live| &live.requests) {
        printer.detail(format!("{count} requests: {step}"));
    }
    Ok((origin(source, live, &recorded, inventory.inputs.len()), inventory))
}

fn origin(source: &Source, live: Option<LiveReport>, recorded: &[Recorded], inputs: usize) -> Origin {
    let named = source.cloud.map(|cloud| cloud.name().to_owned());
    if let Some(live) = live {
        let (cloud, subscriptions) = (Some(live.cloud.clone()), Some(live.subscriptions.clone()));
        return Origin { cloud, subscriptions, named_cloud: named, live: Some(live) };
    }
    let lives: Vec<&Live> = recorded.iter().filter_map(|it| it.live.as_ref()).collect();
    let then = recorded.iter().find_map(|it| it.header.cloud.clone());
    let said = lives.first().map(|live| live.cloud.clone());
    let subscriptions = (lives.len() == inputs && inputs > 0).then(|| {
        let all: BTreeSet<String> = lives.iter().flat_map(|live| live.subscriptions.iter().cloned()).collect();
        all.into_iter().collect()
    });
    Origin { live: None, cloud: named.clone().or(said).or(then.clone()), named_cloud: named.or(then), subscriptions }
}

/// That there is no resource of a type means nothing where a snapshot was recorded without it.
fn not_recorded(recorded: &[Recorded], whole: &WholeTypes, inventory: &mut Inventory) {
    let snapshots = inventory.inputs.iter().filter(|input| input.shape == "snapshot");
    let paths: Vec<String> = snapshots.map(|input| input.path.clone()).collect();
    for (recorded, path) in recorded.iter().zip(paths) {
        let missing =
            whole.iter().filter(|ty| !inventory::is_known(ty) && !recorded.header.types.iter().any(|it| it == ty));
        for ty in missing.filter(|_| recorded.header.kind == "live") {
            let detail = format!("the snapshot was recorded without this type; collect it with --type {ty}");
            inventory.gaps.insert(Gap { scope: path.clone(), what: ty.to_owned(), reason: Reason::Missing, detail });
        }
    }
}

/// What came of reading: the report of a live source, and what snapshots say of theirs.
type Read = (Option<LiveReport>, Vec<Recorded>);

/// Reads the source into the sink.
fn read(source: &Source, now: OffsetDateTime, whole: &WholeTypes, sink: &mut dyn Sink) -> Result<Read, Failure> {
    if !source.from.is_empty() {
        let recorded = offline::read_recorded(&source.from, &mut io::stdin().lock(), sink).map_err(|error| {
            Failure::new(error).hint("--from takes files, folders that hold *.json or *.jsonl, and - for stdin")
        })?;
        return Ok((None, recorded));
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
    report.map(|live| (Some(live), Vec::new())).map_err(|error| Failure::new(&error).hint(error.hint()))
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
