//! Where raw ARM JSON comes from: files ([`offline`]) or Azure itself ([`arm`]).
//!
//! Every source ends in the same stream, a [`Sink`] that is handed [`Batch`]es of items, each one a piece of
//! JSON text that is not parsed yet, and [`Gap`]s for what could not be read. Nothing downstream can tell which
//! source it was.

pub mod arm;
mod azure_error;
mod envelope;
pub mod offline;
pub mod reshape;
pub mod shape;
pub mod snapshot;
pub mod split;
pub mod template;

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// What one item of a [`Batch`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An ARM resource in the REST shape: `{"id", "name", "type", "location", "properties": {…}}`.
    Resource,
    /// A whole answer of `getVpnClientConnectionHealth`: `{"value": [{"vpnConnectionId": …}, …]}`.
    Sessions,
    /// One metric of an Azure Monitor answer: `{"id", "name": {"value"}, "timeseries": […]}`.
    Metric,
}

/// One item: a span of its batch's text, and where that text stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// Its bytes within [`Batch::text`].
    pub span: Range<usize>,
    /// The line of the input on which it starts, counted from 1.
    pub line: u64,
    /// The byte of that line at which it starts, counted from 1.
    pub column: u64,
    /// The resource that it speaks of, where the source knows it and the text does not say (a session answer).
    pub about: Option<Box<str>>,
}

/// Some items of one input, in the input's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Which input: its position in the order in which [`Sink::input`] is told of them, counted from 0; or a number
    /// that [`Sink::origin`] names.
    pub input: u32,
    /// JSON text that holds the items (UTF-8; what lies between them does not matter).
    pub text: String,
    /// The items, first to last.
    pub items: Vec<Item>,
}

impl Batch {
    /// A batch of one item that is the whole of `text`.
    pub fn whole(input: u32, kind: Kind, about: Option<&str>, text: String) -> Self {
        let item = Item { kind, span: 0..text.len(), line: 1, column: 1, about: about.map(Into::into) };
        Self { input, text, items: vec![item] }
    }
}

/// Why something is missing from the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// The identity may not read it (401, 403).
    Forbidden,
    /// Azure kept refusing for load (429).
    Throttled,
    /// No answer, or none that could be used, before the time was up.
    Unreachable,
    /// It was read, and is not what it should be.
    Damaged,
    /// It ends too early.
    Truncated,
    /// It is referred to, and nobody handed it over.
    Missing,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forbidden => "forbidden",
            Self::Throttled => "throttled",
            Self::Unreachable => "unreachable",
            Self::Damaged => "damaged",
            Self::Truncated => "truncated",
            Self::Missing => "missing",
        })
    }
}

/// What could not be read, and why: part of the report, so that its absence is never taken for a clean result.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Gap {
    /// Where: `/subscriptions/…`, a resource id, or the path of a file.
    pub scope: String,
    /// What is missing there: a resource type in lower case (`microsoft.network/routetables`), `sessions`,
    /// `metrics`, `gateway` (what only its own GET tells), `instanceView` (how machines run), `subscription` (all of it), `resource` (one resource of a
    /// file) or `file` (the rest of it).
    pub what: String,
    /// Why.
    pub reason: Reason,
    /// The details for a person: Azure's error code and message, or line and column.
    pub detail: String,
}

/// One input that was read, as `source.inputs` of the report shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Input {
    /// The file's path as it was found, `-` for standard input, or the ARM scope.
    pub path: String,
    /// The shape that it was taken for: `arm-resource`, `arm-list`, `arm-array`, …
    pub shape: String,
    /// How many ARM resources stood in it, of whatever type.
    pub resources: u64,
}

/// What a source hands its findings to.
pub trait Sink {
    /// Takes some items. May block while earlier ones are being typed, so memory stays bounded.
    fn batch(&mut self, batch: Batch);
    /// Takes note of what could not be read.
    fn gap(&mut self, gap: Gap);
    /// Takes note of an input. Called once for each, in the order of [`Batch::input`], after its batches.
    fn input(&mut self, input: Input);
    /// Takes note of where the batches of that number were read first, which their gaps name: a snapshot holds what
    /// other inputs said. Such numbers are those of no input.
    fn origin(&mut self, _number: u32, _path: String) {}
    /// Takes a remark for the person who runs the audit; it does not change a verdict.
    fn note(&mut self, note: String);
}
