//! `azaudit scan`: source, inventory, facts, policies, report.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use time::OffsetDateTime;

use super::gather::{Origin, gather};
use crate::cli::Scan;
use crate::commands::settings::{Settings, check_cloud};
use crate::error::Failure;
use crate::exit::Exit;
use crate::facts::{Context, Options};
use crate::inventory::Inventory;
use crate::policy::{Severity, Verdict};
use crate::printer::Printer;
use crate::report::file::write_whole;
use crate::report::{Report, RunMeta, SourceKind};

/// Columns of a table that goes to a file.
const FILE_WIDTH: u16 = 100;

/// Runs the command; what went wrong is told on stderr.
pub fn run(scan: &Scan) -> Exit {
    let output = &scan.output;
    let printer = Printer::new(output.quiet, output.verbose, output.no_color);
    printer.trace();
    audit(scan, &printer).unwrap_or_else(|failure| {
        printer.error(failure);
        Exit::NothingAudited
    })
}

fn audit(scan: &Scan, printer: &Printer) -> Result<Exit, Failure> {
    // Whole seconds: a report shows no more, and a run with `--now` of a report gives the same report.
    let clock = || OffsetDateTime::now_utc().replace_nanosecond(0);
    let now = scan.output.now.unwrap_or_else(|| clock().unwrap_or(OffsetDateTime::UNIX_EPOCH));
    let settings = Settings::read(&scan.policies, printer)?;
    check_outputs(scan)?;

    let whole = settings.policies.resource_types().collect();
    let (origin, inventory) = gather(&scan.source, now, &whole, printer)?;
    // Which cloud exported files are of nobody knows unless it was said.
    origin.cloud.iter().for_each(|cloud| check_cloud(&settings.service_tags, cloud, printer));
    let options = Options {
        now,
        rdp_port: settings.rdp_port,
        cloud: origin.named_cloud.clone(),
        service_tags: Arc::clone(&settings.service_tags),
    };
    let context = Context { inventory: &inventory, options: &options };
    let show = [Verdict::Fail, Verdict::Unknown].into_iter().chain(scan.output.show.iter().copied()).collect();
    let mildest = scan.policies.severity.unwrap_or(Severity::Info);
    let (results, counts) = settings.policies.audit(context, show, mildest);

    let report = Report::new(meta(now, origin, inventory), results, counts);
    report.meta.gaps.iter().for_each(|gap| printer.gap(gap));
    write(&report, scan, printer)?;
    Ok(report.exit(scan.output.fail_on.mildest()))
}

/// Refuses reports that would overwrite the input or each other, before an hour of reading is lost.
fn check_outputs(scan: &Scan) -> Result<(), Failure> {
    let there = |path: &Path| path.canonicalize().ok();
    let inputs = scan.source.from.iter().chain(&scan.policies.service_tags).chain(&scan.policies.config);
    let inputs: Vec<PathBuf> = inputs.filter_map(|it| there(it)).collect();
    let mut taken: Vec<PathBuf> = Vec::new();
    for (_, path) in &scan.output.output {
        let shown = path.display();
        if there(path).is_some_and(|path| inputs.contains(&path)) {
            return Err(Failure::new(format!("the report would overwrite its own input `{shown}`"))
                .hint("name another file behind --output"));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let (Some(folder), Some(name)) = (there(folder), path.file_name()) else {
            return Err(Failure::new(format!("cannot write `{shown}`: there is no such folder"))
                .hint("create its folder first"));
        };
        let target = folder.join(name);
        // Devices and pipes take as many reports as one likes.
        if taken.contains(&target) && (target.is_file() || !target.exists()) {
            return Err(Failure::new(format!("two reports would go to `{shown}`")).hint("name a file for each"));
        }
        taken.push(target);
    }
    Ok(())
}

fn meta(now: OffsetDateTime, origin: Origin, inventory: Inventory) -> RunMeta {
    let kind = if origin.live.is_some() { SourceKind::Live } else { SourceKind::Offline };
    let subscriptions = origin.subscriptions.unwrap_or_else(|| inventory.subscriptions().into_iter().collect());
    let cloud = origin.cloud.unwrap_or_else(|| "public".to_owned());
    let Inventory { inputs, resources, gaps, .. } = inventory;
    RunMeta { now, kind, cloud, subscriptions, inputs, resources, gaps: gaps.into_iter().collect() }
}

fn write(report: &Report, scan: &Scan, printer: &Printer) -> Result<(), Failure> {
    for (format, path) in &scan.output.output {
        let format = format.format(false, FILE_WIDTH);
        write_whole(path, |out| format.write(report, out)).map_err(Failure::new)?;
    }
    let format = scan.output.format.format(printer.color(), printer.width());
    printer.print(|out| format.write(report, out))
}
