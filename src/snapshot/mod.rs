//! Writes snapshots: what a source hands to its sink, without secrets, and with `--redact` without names.
//!
//! [`Recorder`] is a sink that stands beside the inventory, so that a recording tells the gaps that a scan tells.
//! [`source::snapshot`](crate::source::snapshot) reads what it wrote.

mod addresses;
mod key;
mod redact;
mod secrets;
mod walk;
mod write;

pub use secrets::REMOVED;
pub use write::{Recorder, Tee};
