//! The subcommands: arguments in, exit code out.

pub mod policies;
pub mod scan;
pub mod settings;
pub mod test_ip_flow;
