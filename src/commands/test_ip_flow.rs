//! `azaudit test-ip-flow`: source, inventory, the rules of one machine, one answer.

use time::OffsetDateTime;

use super::gather::{gather, tell_gaps};
use super::settings::{check_cloud, service_tags_alone};
use crate::cli::{FlowFormat, TestIpFlow};
use crate::error::Failure;
use crate::exit::Exit;
use crate::facts::ip_flow::{self, Question, Target};
use crate::facts::nsg::FlowAccess;
use crate::facts::{Context, Options};
use crate::inventory::WholeTypes;
use crate::printer::Printer;
use crate::report::{ip_flow as report, order_of_gaps};
use crate::source::Gap;

/// Runs the command: 0 Allow, 1 Deny, 3 Unknown, 2 no answer. What went wrong is told on stderr.
pub fn run(arguments: &TestIpFlow) -> Exit {
    let printer = Printer::new(arguments.quiet, arguments.verbose, arguments.no_color);
    printer.trace();
    ask(arguments, &printer).unwrap_or_else(|failure| {
        printer.error(failure);
        Exit::NothingAudited
    })
}

fn ask(arguments: &TestIpFlow, printer: &Printer) -> Result<Exit, Failure> {
    let question = question(arguments)?;
    let service_tags = service_tags_alone(arguments.service_tags.as_deref(), printer)?;
    let now = OffsetDateTime::now_utc();
    let (origin, inventory) = gather(&arguments.source, now, &WholeTypes::default(), printer)?;
    origin.cloud.iter().for_each(|cloud| check_cloud(&service_tags, cloud, printer));
    let options = Options { cloud: origin.named_cloud, service_tags, ..Options::at(now) };
    let context = Context { inventory: &inventory, options: &options };
    let answer =
        ip_flow::answer(context, &question).map_err(|refusal| tell_gaps(&inventory, printer, Failure::new(refusal)))?;

    let mut gaps: Vec<Gap> = inventory.gaps.iter().cloned().collect();
    gaps.sort_by(order_of_gaps);
    gaps.iter().for_each(|gap| printer.gap(gap));
    printer.print(|out| match arguments.format {
        FlowFormat::Json => report::json(&answer, &gaps, out),
        FlowFormat::Table => report::table(&answer, printer.color(), printer.width(), out),
    })?;
    Ok(match answer.access {
        FlowAccess::Allow => Exit::Clean,
        FlowAccess::Deny => Exit::Findings,
        FlowAccess::Unknown => Exit::Incomplete,
    })
}

fn question(arguments: &TestIpFlow) -> Result<Question, Failure> {
    let (local, remote) = (arguments.local, arguments.remote);
    if local.address.is_ipv4() != remote.address.is_ipv4() {
        let message = format!("one of {} and {} is IPv4 and the other IPv6", local.address, remote.address);
        return Err(Failure::new(message).hint("no packet has both: give two addresses of one kind"));
    }
    let target = Target {
        vm: arguments.vm.clone(),
        nic: arguments.nic.clone(),
        resource_group: arguments.source.resource_group.clone(),
    };
    Ok(Question { direction: arguments.direction, protocol: arguments.protocol, local, remote, target })
}
