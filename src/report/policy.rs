//! One policy: what it claims, what it reads, what a finding of it looks like, and its file to start another one from.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::json::{finding, rfc3339};
use super::text::{spaced, visible, visible_lines};
use super::{evidence, layout, policies};
use crate::policy::{Judgement, Policy};
use time::OffsetDateTime;

/// A failure that shows the policy at work.
#[derive(Clone, Debug)]
pub struct Example {
    /// Where its estate is from, for people: `the sample estate`.
    pub estate: String,
    /// The moment at which it was judged.
    pub now: OffsetDateTime,
    /// The failure.
    pub judgement: Judgement,
}

/// Writes an object: what a list tells of the policy, and `facts`, `example` (a result of the report, or null) and
/// `source`.
pub fn json(policy: &Policy, example: Option<&Example>, out: &mut dyn Write) -> io::Result<()> {
    let mut object = policies::object(policy);
    let facts = policy.reads.iter().map(|it| json!({ "fact": it.fact, "type": it.ty, "doc": it.doc }));
    object["facts"] = facts.collect();
    object["example"] = example.map_or(Value::Null, |it| finding(&it.judgement));
    object["source"] = json!(policy.source);
    serde_json::to_writer_pretty(&mut *out, &object)?;
    writeln!(out)
}

/// Writes it for people, in lines of that many columns. Commands and the file stay as they are.
pub fn text(policy: &Policy, example: Option<&Example>, width: u16, out: &mut dyn Write) -> io::Result<()> {
    let page = Page { width };
    let it = &policy.metadata;
    writeln!(out, "{}", visible(&it.id))?;
    page.paragraph(2, &it.title, out)?;
    policy.why.iter().try_for_each(|why| page.paragraph(2, why, out))?;
    writeln!(out)?;

    let subject = match &policy.resource_type {
        Some(ty) => format!("each resource of the type {ty}"),
        None => format!("each {}", spaced(policy.subject.word())),
    };
    page.entry("judges", &subject, out)?;
    page.entry("severity", policy.severity.word(), out)?;
    if let Some(port) = policy.port {
        page.entry("port", &port.to_string(), out)?;
    }
    for (name, value) in policy.params() {
        page.entry("parameter", &format!("{name}: {}", json!(value)), out)?;
    }
    let list = |items: &[String]| items.join(", ");
    if !it.symptoms.is_empty() {
        page.entry("symptoms", &list(&it.symptoms), out)?;
    }
    for (framework, controls) in &it.frameworks {
        page.entry("framework", &format!("{framework}: {}", list(controls)), out)?;
    }
    it.references.iter().try_for_each(|reference| page.entry("reference", reference, out))?;
    page.entry("file", &policy.path, out)?;

    writeln!(out, "\nFacts that it reads")?;
    for read in &policy.reads {
        writeln!(out, "  {} ({})", visible(&read.fact), visible(&read.ty))?;
        if !read.doc.is_empty() {
            page.paragraph(6, &read.doc, out)?;
        }
    }
    example.map_or(Ok(()), |example| page.example(example, out))?;
    writeln!(out, "\nIts file")?;
    writeln!(out, "{}", visible_lines(policy.source.trim_end()))
}

struct Page {
    width: u16,
}

impl Page {
    fn paragraph(&self, indent: usize, text: &str, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}{}", " ".repeat(indent), layout::hanging(indent, self.width, &visible(text.trim())))
    }

    /// A name and what it is, in columns.
    fn entry(&self, name: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "  {name:<10} {}", layout::hanging(13, self.width, &visible(text)))
    }

    fn example(&self, example: &Example, out: &mut dyn Write) -> io::Result<()> {
        let Judgement { severity, subject, message, evidence, remediation, .. } = &example.judgement;
        writeln!(out, "\nExample: a finding in {} at {}", visible(&example.estate), rfc3339(example.now))?;
        let name = subject.element.as_ref().map_or_else(String::new, |element| format!("/{element}"));
        writeln!(out, "  {} {}{}", severity.word().to_uppercase(), visible(&subject.name), visible(&name))?;
        self.paragraph(4, message, out)?;
        for line in evidence::lines(evidence, message) {
            self.paragraph(6, &line, out)?;
        }
        if !remediation.text.is_empty() {
            self.paragraph(4, &format!("fix: {}", remediation.text), out)?;
        }
        remediation.commands.iter().try_for_each(|command| writeln!(out, "    {}", visible(command)))
    }
}
