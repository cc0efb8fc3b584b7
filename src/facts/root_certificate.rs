//! Facts about root certificates.

use super::schema::RecordType;
use super::{Context, Subject};

/// The names that expressions about this kind start with.
pub fn roots() -> Vec<(&'static str, &'static RecordType)> {
    Vec::new()
}

/// Calls `visit` for each subject, from several threads.
pub fn each(_context: Context<'_>, _visit: &(dyn Fn(&Subject<'_>) + Sync)) {}
