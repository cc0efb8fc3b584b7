//! azaudit reads an Azure estate's configuration and says which settings break or endanger point-to-site VPN and
//! Remote Desktop, with the evidence and the command that mends each. It never writes to Azure.
//!
//! ```text
//! live ARM ─┐
//! exports  ─┴─► raw ARM JSON ─► inventory ─► facts ─► verdicts ─► report
//!                 source        inventory     facts    policy      report
//! ```
//!
//! Each module uses only those to its left, and only [`commands`] knows all:
//!
//! - [`source`] yields raw ARM resources as text, and the gaps between them. Only its part [`source::arm`] opens
//!   sockets; [`source::offline`] reads files.
//! - [`inventory`] types the resources that the audit knows and finds them by id.
//! - [`facts`] computes what policies see, one documented struct for each kind of subject. All that is hard about
//!   Azure is in here: certificates, address sets, the evaluation of network security groups.
//! - [`symptoms`] is the catalogue of what users meet, and finds the symptom of a pasted text. It stands beside the
//!   others: policies name symptoms, which know nothing of them.
//! - [`policy`] loads policies, which are data, and makes verdicts: pass, fail, unknown, not applicable.
//! - [`fixtures`] tries policies on estates whose verdicts are known beforehand.
//! - [`events`] stands apart: it reads the event log of a Windows machine and counts the events that explain failures.
//! - [`snapshot`] records what a source yields, without secrets, so that it can be judged elsewhere and later.
//! - [`report`] renders the result for people and machines.
//!
//! What could not be read never passes: a fact that is missing makes the verdict unknown, and a part that failed is
//! a gap in the report. Time enters once, so a run over recorded input is reproducible to the byte.

#![warn(missing_docs)]

pub mod cli;
pub mod commands;
pub mod config;
pub mod count;
pub mod env;
pub mod error;
pub mod events;
pub mod exit;
pub mod facts;
pub mod fixtures;
pub mod inventory;
mod json;
pub mod policy;
pub mod printer;
pub mod report;
pub mod snapshot;
pub mod source;
pub mod symptoms;
pub mod text_file;
pub mod visible;
