//! The program as its users run it: arguments in, streams and exit code out. One file for each command.

#[path = "../support/mod.rs"]
mod azure;
mod collect;
mod config;
mod diagnose;
mod events;
mod limits;
mod live;
mod policies;
mod policy_files;
mod policy_tests;
mod port;
mod resource_types;
mod scan;
mod service_tags;
mod shapes;
mod show;
mod support;
mod templates;
mod test_ip_flow;
