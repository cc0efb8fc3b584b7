//! The subcommands: arguments in, exit code out.

pub mod collect;
pub mod diagnose;
mod gather;
pub mod policies;
pub mod scan;
pub mod settings;
pub mod symptoms;
pub mod test_ip_flow;
