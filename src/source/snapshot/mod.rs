//! The snapshot: JSON Lines that hold what a source handed to its sink, in that order.
//!
//! The first line is the [`Header`], each further one a [`Line`], the last one an [`End`] with counts, so that a file
//! that was cut is noticed. What a scan of the snapshot says is what a scan of the source said.

mod read;

use serde::{Deserialize, Serialize};

use super::{Gap, Kind};

pub(super) use read::{Numbers, read};

/// The schema that this version writes and reads.
pub const SCHEMA: &str = "azaudit.snapshot/v1";

/// What every version of the schema starts with.
const ANY_SCHEMA: &str = "azaudit.snapshot/";

/// The first line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Header {
    /// [`SCHEMA`].
    pub schema: String,
    /// What wrote it.
    pub tool: Tool,
    /// When it was collected, RFC 3339.
    pub collected: String,
    /// `live` or `offline`.
    pub kind: String,
    /// The cloud that was named on the command line.
    pub cloud: Option<String>,
    /// The subscriptions as they were named on the command line; empty where all were asked for, or files were read.
    pub subscriptions: Vec<String>,
    /// Types (lower case) that were read whole beside those that the audit knows.
    pub types: Vec<String>,
    /// Whether names, addresses and tags stand for others.
    pub redacted: bool,
}

/// A program and its version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tool {
    /// `azaudit`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What a line holds, but for an item's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Line {
    /// Something that could not be read.
    Gap(Gap),
    /// Where items of that number came from.
    Input {
        /// The number that items name.
        input: u32,
        /// The ARM scope, or the file.
        path: String,
        /// The shape that it was taken for.
        shape: String,
        /// How many resources stood in it.
        resources: u64,
    },
    /// Where items of that number came from first: they were read from a snapshot.
    Origin {
        /// The number that items name.
        input: u32,
        /// The ARM scope, or the file.
        path: String,
    },
    /// A remark.
    Note {
        /// Its text.
        note: String,
    },
    /// The last line.
    End(End),
}

/// The last line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct End {
    /// How many lines stand between the first and this one.
    pub lines: u64,
    /// How many of them are resources.
    pub resources: u64,
    /// What a live source reported.
    pub live: Option<Live>,
    /// How many values of each member were removed as secrets, by its name.
    pub removed: std::collections::BTreeMap<String, u64>,
}

/// What a live source reported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Live {
    /// The cloud: `public`, `usgov`, `china`.
    pub cloud: String,
    /// The ids of the subscriptions that were read.
    pub subscriptions: Vec<String>,
}

/// What a snapshot says of its own making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Its first line.
    pub header: Header,
    /// What the live source reported; `None` where files were read, or the snapshot was cut.
    pub live: Option<Live>,
}

/// The word for a kind of item in a line.
pub fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Resource => "resource",
        Kind::Sessions => "sessions",
        Kind::Metric => "metric",
    }
}

/// Whether a file that starts like this is a snapshot, of whatever version.
pub(super) fn is_one(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let Some(rest) = start.trim_ascii_start().strip_prefix(b"{") else { return false };
    let Some(rest) = rest.trim_ascii_start().strip_prefix(b"\"schema\"") else { return false };
    let Some(rest) = rest.trim_ascii_start().strip_prefix(b":") else { return false };
    rest.trim_ascii_start().strip_prefix(b"\"").is_some_and(|rest| rest.starts_with(ANY_SCHEMA.as_bytes()))
}
