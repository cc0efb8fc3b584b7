//! The subcommands: arguments in, exit code out.

mod gather;
pub mod policies;
pub mod scan;
pub mod settings;
pub mod test_ip_flow;
