//! `azaudit collect`.

use std::path::PathBuf;

use clap::Args;
use time::OffsetDateTime;

use super::{Source, moment};

pub(super) const EXIT_CODES: &str = "Exit codes: 0 recorded completely, 2 wrong use, or nothing to record, 3 \
                                     incomplete: something could not be read, and the snapshot says what";

/// `azaudit collect`.
#[derive(Debug, Args)]
#[command(
    group(clap::ArgGroup::new("origin").required(true).multiple(true).args(["subscription", "all_subscriptions", "from"])),
    mut_arg("subscription", |it| it.help("Record this subscription, live (repeats)")),
    mut_arg("all_subscriptions", |it| it.help("Record every subscription that the identity may read")),
    mut_arg("resource_group", |it| it.help("Record only this resource group")),
    mut_arg("from", |it| {
        it.help("Record exported files instead: files, folders (*.json, *.jsonl) or - (repeats); never touches the network")
    })
)]
pub struct Collect {
    /// Where the snapshot goes; a file that ends in .zst is compressed, a folder gets a file named after the time
    #[arg(short, long, value_name = "FILE|DIR")]
    pub output: PathBuf,
    /// Also record the resources that policies of this folder are about (repeats)
    #[arg(long, value_name = "DIR")]
    pub policies: Vec<PathBuf>,
    /// Also record resources of this type, such as Microsoft.Storage/storageAccounts (repeats)
    #[arg(long = "type", value_name = "TYPE", value_parser = resource_type)]
    pub types: Vec<String>,
    /// Put others in place of subscription ids, names, users, tags and public addresses, the same ones for the same ones
    #[arg(long)]
    pub redact: bool,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub source: Source,
    /// Record metrics up to this moment, such as 2026-01-01T00:00:00Z [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    pub now: Option<OffsetDateTime>,
    /// No colours (also with NO_COLOR set)
    #[arg(long)]
    pub no_color: bool,
    /// Say nothing on standard error but errors and gaps
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more on standard error
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

fn resource_type(text: &str) -> Result<String, String> {
    let text = text.trim();
    let mut parts = text.split('/');
    let namespace = parts.next().is_some_and(|it| it.contains('.'));
    let fits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    match namespace && text.contains('/') && text.split('/').all(fits) {
        true => Ok(text.to_lowercase()),
        false => Err("expected a resource type, such as Microsoft.Storage/storageAccounts".to_owned()),
    }
}
