//! The answer of `azaudit test-ip-flow`, for people and for machines.

use std::io::{self, Write};

use serde::Serialize;

use super::text::{grouped, visible};
use crate::facts::ip_flow::{Answer, Decision};
use crate::facts::nsg::FlowAccess;
use crate::source::Gap;

/// Prefixes and ranges of ports that people are shown before the rest is counted.
const MOST: usize = 8;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    #[serde(flatten)]
    answer: &'a Answer,
    gaps: &'a [Gap],
}

/// Writes the schema `azaudit.ip-flow/v1`.
pub fn json(answer: &Answer, gaps: &[Gap], out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Document { schema: "azaudit.ip-flow/v1", answer, gaps })?;
    writeln!(out)
}

/// Writes a few lines: the answer, what each level does, who else gets it, and what to know beside it. They fit into
/// that many columns.
pub fn table(answer: &Answer, color: bool, width: u16, out: &mut dyn Write) -> io::Result<()> {
    let code = match answer.access {
        FlowAccess::Allow => "1;32",
        FlowAccess::Deny => "1;31",
        FlowAccess::Unknown => "1;33",
    };
    let word = answer.access.word();
    let first = format!("{word}: {}", reason(answer));
    let first = wrapped("", &first, width);
    match color {
        true => writeln!(out, "\x1b[{code}m{word}\x1b[0m{}", &first[word.len()..])?,
        false => writeln!(out, "{first}")?,
    }
    writeln!(out, "{}", wrapped("  ", &packet(answer), width))?;
    if !answer.decisions.is_empty() {
        writeln!(out)?;
        for (i, decision) in answer.decisions.iter().enumerate() {
            writeln!(out, "{}", wrapped("     ", &format!("  {}. {}", i + 1, step(decision)), width))?;
        }
    }
    writeln!(out)?;
    writeln!(out, "{}", wrapped("  ", &alike(answer), width))?;
    for (whose, ports) in [("remote", &answer.remote_ports), ("local", &answer.local_ports)] {
        if let Some(ports) = ports {
            writeln!(out, "{}", wrapped("  ", &format!("With these {whose} ports: {}", some(ports)), width))?;
        }
    }
    for remark in &answer.remarks {
        writeln!(out, "{}", wrapped("  ", &format!("note: {}", visible(remark)), width))?;
    }
    for missing in &answer.unread {
        writeln!(out, "{}", wrapped("  ", &format!("not read: {}", visible(&missing.what)), width))?;
        writeln!(out, "{}", wrapped("  ", &format!("hint: {}", visible(&missing.how)), width))?;
    }
    Ok(())
}

/// `rule AllowRdp of nsg-web (subnet, priority 100)`.
fn reason(answer: &Answer) -> String {
    let level = match answer.level {
        "admin" => "virtual network manager",
        "nic" => "network interface",
        other => other,
    };
    let of = answer.network_security_group.as_ref().map(|group| format!(" of {}", visible(group))).unwrap_or_default();
    match (&answer.rule_name, answer.access) {
        (Some(rule), _) => {
            let priority = answer.priority.map(|it| format!(", priority {it}")).unwrap_or_default();
            format!("rule {}{of} ({level}{priority})", visible(rule))
        }
        (None, FlowAccess::Unknown) if answer.level == "none" => {
            "what several levels do depends on what was not read".to_owned()
        }
        (None, FlowAccess::Unknown) => {
            let group = answer.network_security_group.as_deref().map_or("the filter".into(), visible);
            format!("what {group} ({level}) does depends on what was not read")
        }
        (None, _) if answer.decisions.is_empty() => "no rules filter here".to_owned(),
        (None, FlowAccess::Allow) => "no rule stands against it".to_owned(),
        (None, FlowAccess::Deny) => "whichever rule decides".to_owned(),
    }
}

/// `TCP from 203.0.113.7:50000 in to 10.0.0.4:3389 (web-nic of web01)`.
fn packet(answer: &Answer) -> String {
    let interface = answer.interface.rsplit('/').next().unwrap_or_default();
    let machine = answer.machine.as_ref().map(|it| format!(" of {}", visible(it))).unwrap_or_default();
    let here = format!("{} ({}{machine})", answer.local, visible(interface));
    match answer.direction {
        "Inbound" => format!("{} inbound from {} to {here}", answer.protocol, answer.remote),
        _ => format!("{} outbound from {here} to {}", answer.protocol, answer.remote),
    }
}

/// `subnet: Allow by AllowCorp of nsg-subnet (200)`.
fn step(decision: &Decision) -> String {
    let level = match decision.level {
        "admin" => "virtual network manager",
        "nic" => "network interface",
        other => other,
    };
    let group = decision.network_security_group.as_ref();
    let of = group.map(|group| format!(" of {}", visible(group))).unwrap_or_default();
    let or_none = match decision.level {
        "admin" => ", no rule matches",
        _ => "",
    };
    match (&decision.rule, decision.access) {
        (Some(rule), access) => {
            let priority = decision.priority.map(|it| format!(" (priority {it})")).unwrap_or_default();
            format!("{level}: {access} by {}{of}{priority}", visible(rule))
        }
        (None, "Unknown") => format!("{level}: Unknown{}", of.replacen(" of ", ", ", 1)),
        (None, access) => format!("{level}: {access}{of}{or_none}"),
    }
}

/// `The same answer for 3 prefixes of remote addresses: …`.
fn alike(answer: &Answer) -> String {
    let tags = match answer.source_tags.is_empty() {
        true => String::new(),
        false => format!("; and for the service tags {}", some(&answer.source_tags)),
    };
    match answer.sources.as_slice() {
        [] => format!("No remote address certainly gets the same answer{tags}"),
        [one] if one.ends_with("/0") => format!("Every remote address gets the same answer: {one}{tags}"),
        sources => {
            let count = match sources.len() {
                1 => "1 prefix".to_owned(),
                more => format!("{} prefixes", grouped(more as u64)),
            };
            format!("The same answer for {count} of remote addresses: {}{tags}", some(sources))
        }
    }
}

fn some(texts: &[String]) -> String {
    let shown: Vec<_> = texts.iter().take(MOST).map(|text| visible(text)).collect();
    match texts.len().checked_sub(MOST).filter(|rest| *rest > 0) {
        Some(rest) => format!("{}, … and {} more", shown.join(", "), grouped(rest as u64)),
        None => shown.join(", "),
    }
}

fn wrapped(indent: &str, text: &str, width: u16) -> String {
    let options = textwrap::Options::new(usize::from(width.max(20)))
        .subsequent_indent(indent)
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(text, options)
}
