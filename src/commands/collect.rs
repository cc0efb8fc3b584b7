//! `azaudit collect`: a source, written down.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::gather::{Origin, gather_into};
use crate::cli::Collect;
use crate::count::counted;
use crate::error::Failure;
use crate::exit::Exit;
use crate::inventory::{Inventory, WholeTypes};
use crate::policy::PolicySet;
use crate::printer::Printer;
use crate::report::file::write_whole;
use crate::report::order_of_gaps;
use crate::snapshot::Recorder;
use crate::source::snapshot::{Header, Live, SCHEMA, Tool};

/// What zstd takes by default.
const LEVEL: i32 = 3;

/// Runs the command; what went wrong is told on stderr.
pub fn run(arguments: &Collect) -> Exit {
    let printer = Printer::new(arguments.quiet, arguments.verbose, arguments.no_color);
    printer.trace();
    collect(arguments, &printer).unwrap_or_else(|failure| {
        printer.error(failure);
        Exit::NothingAudited
    })
}

fn collect(arguments: &Collect, printer: &Printer) -> Result<Exit, Failure> {
    let clock = || OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let now = arguments.now.unwrap_or_else(clock);
    let target = target(arguments, now)?;
    let whole = types(arguments)?;
    let header = header(arguments, &whole, now);

    let mut read = None;
    let written = write_whole(&target, |out| {
        let mut body = |out: &mut dyn Write| record(arguments, now, &whole, &header, printer, out, &mut read);
        match is_compressed(&target) {
            false => body(out),
            true => {
                let mut encoder = zstd::Encoder::new(out, LEVEL)?;
                body(&mut encoder)?;
                encoder.finish().map(drop)
            }
        }
    });
    // Why nothing was read says more than that nothing was written.
    let (inventory, resources) = match (read, written) {
        (Some(Err(failure)), _) => return Err(failure),
        (_, Err(error)) => return Err(Failure::new(error)),
        (Some(Ok(read)), Ok(())) => read,
        (None, Ok(())) => return Err(Failure::new("nothing was recorded")),
    };
    printer.detail(format!("recorded {} in `{}`", counted(resources, "resource"), target.display()));
    let mut gaps: Vec<_> = inventory.gaps.iter().collect();
    gaps.sort_by(|a, b| order_of_gaps(a, b));
    gaps.iter().for_each(|gap| printer.gap(gap));
    Ok(if gaps.is_empty() { Exit::Clean } else { Exit::Incomplete })
}

/// What came of it: the inventory, and how many resources were recorded.
type Read = Result<(Inventory, u64), Failure>;

fn record(
    arguments: &Collect,
    now: OffsetDateTime,
    whole: &WholeTypes,
    header: &Header,
    printer: &Printer,
    out: &mut dyn Write,
    read: &mut Option<Read>,
) -> io::Result<()> {
    let mut recorder = Recorder::new(header, out);
    match gather_into(&arguments.source, now, whole, printer, Some(&mut recorder)) {
        Err(failure) => {
            *read = Some(Err(failure));
            Err(io::Error::other("nothing was read"))
        }
        Ok((origin, inventory)) => {
            let resources = recorder.finish(live(&origin))?;
            *read = Some(Ok((inventory, resources)));
            Ok(())
        }
    }
}

/// What a live source reported, now or when what is read was recorded.
fn live(origin: &Origin) -> Option<Live> {
    let subscriptions = origin.subscriptions.clone()?;
    Some(Live { cloud: origin.cloud.clone().unwrap_or_else(|| "public".to_owned()), subscriptions })
}

fn header(arguments: &Collect, whole: &WholeTypes, now: OffsetDateTime) -> Header {
    let source = &arguments.source;
    Header {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        collected: now.format(&Rfc3339).unwrap_or_default(),
        kind: if source.from.is_empty() { "live" } else { "offline" }.to_owned(),
        cloud: source.cloud.map(|cloud| cloud.name().to_owned()),
        subscriptions: source.subscription.clone(),
        types: whole.iter().map(str::to_owned).collect(),
        redacted: arguments.redact,
    }
}

/// The types that are recorded beside those that the audit knows.
fn types(arguments: &Collect) -> Result<WholeTypes, Failure> {
    let policies = PolicySet::load(true, &arguments.policies).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::new(lines.join("\n"))
    })?;
    let types = policies.resource_types().map(|it| it.to_string());
    Ok(types.chain(arguments.types.iter().cloned()).collect())
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case("zst"))
}

/// The file that is written.
fn target(arguments: &Collect, now: OffsetDateTime) -> Result<PathBuf, Failure> {
    let named = &arguments.output;
    if named == Path::new("-") {
        return Err(Failure::new("a snapshot is written to a file").hint("name one, or /dev/stdout for a pipe"));
    }
    let path = match named.is_dir() {
        true => {
            let stamp = format_description!("[year][month][day]T[hour][minute][second]Z");
            let stamp = now.to_offset(time::UtcOffset::UTC).format(stamp).unwrap_or_default();
            named.join(format!("azaudit-{stamp}.jsonl"))
        }
        false => named.clone(),
    };
    let there = |path: &Path| path.canonicalize().ok();
    let is_input = |target: &Path| {
        let mut inputs = arguments.source.from.iter().filter_map(|input| there(input));
        inputs.any(|input| target.is_file() && target.starts_with(input))
    };
    if there(&path).is_some_and(|target| is_input(&target)) {
        return Err(Failure::new(format!("the snapshot would overwrite its own input `{}`", path.display()))
            .hint("name another file behind --output"));
    }
    Ok(path)
}
