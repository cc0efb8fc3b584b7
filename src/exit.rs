//! Exit codes, the same for every output format.

use std::process::ExitCode;

/// What a run tells the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Audited completely, and nothing is at or above `--fail-on`.
    Clean = 0,
    /// Findings at or above `--fail-on`.
    Findings = 1,
    /// Wrong use, unreadable or unrecognised input, or a faulty policy: nothing was audited.
    NothingAudited = 2,
    /// The audit is incomplete: what was read is reported, and the gaps are listed. Wins over findings.
    Incomplete = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
