//! `azaudit diagnose` and `azaudit symptoms`.

use std::path::PathBuf;

use clap::builder::Resettable;
use clap::{Args, Subcommand, ValueEnum};
use time::OffsetDateTime;

use super::{ListFormat, Policies, Source, moment};
use crate::symptoms::Language;

/// `azaudit diagnose`.
#[derive(Debug, Args)]
#[command(
    // Whoever names a gateway or a machine of exported files may name its resource group too.
    mut_arg("resource_group", |it| {
        it.short('g').conflicts_with(Resettable::Reset).help("Only this resource group")
    }),
    // The text may stand behind it.
    mut_arg("from", |it| {
        it.num_args(1).help("Look into exported files instead: a file, a folder (*.json, *.jsonl) or - (repeats); never touches the network")
    }),
    mut_arg("subscription", |it| it.help("Look into this subscription, live (repeats)")),
    mut_arg("all_subscriptions", |it| it.help("Look into every subscription that the identity may read")),
    mut_arg("management_group", |it| it.help("Look into the subscriptions below this management group (repeats)"))
)]
pub struct Diagnose {
    /// An error code (798, 0x80090326, -2146893018), a message as it was pasted, in English, French, Chinese or
    /// Japanese, or a symptom's id; - reads it from standard input
    #[arg(value_name = "TEXT", required_unless_present = "events", allow_negative_numbers = true)]
    pub text: Vec<String>,
    /// Read a Windows event log instead: .evtx, the XML or text of `wevtutil qe … /f:xml|text`, or what Event Viewer copies
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub events: Option<PathBuf>,
    /// Only this gateway, and what belongs to it
    #[arg(long, value_name = "NAME|ID")]
    pub gateway: Option<String>,
    /// Only this machine or scale set, and what belongs to it
    #[arg(long, value_name = "NAME|ID")]
    pub vm: Option<String>,
    /// The language of the answer [default: that of the environment]
    #[arg(long, value_name = "en|fr|zh|ja", value_parser = language)]
    pub lang: Option<Language>,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub source: Source,
    /// What is judged by.
    #[command(flatten)]
    pub policies: Policies,
    /// Judge as of this moment instead of now: 2026-01-01T00:00:00Z
    #[arg(long, value_name = "RFC3339", value_parser = moment, help_heading = "Output")]
    pub now: Option<OffsetDateTime>,
    /// The format on standard output
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub format: DiagnosisFormat,
    /// No colours (also with NO_COLOR set)
    #[arg(long, help_heading = "Output")]
    pub no_color: bool,
    /// Say nothing on standard error but errors and gaps
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// Say more on standard error
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,
}

impl Diagnose {
    /// Whether there is a place to look for causes.
    pub fn has_source(&self) -> bool {
        let Source { subscription, all_subscriptions, management_group, from, .. } = &self.source;
        *all_subscriptions || [subscription, management_group].iter().any(|it| !it.is_empty()) || !from.is_empty()
    }
}

/// How a diagnosis is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiagnosisFormat {
    /// For people
    #[value(alias = "table")]
    Text,
    /// For machines: schema azaudit.diagnosis/v1
    Json,
    /// For a ticket
    Markdown,
}

pub(super) const EXIT_CODES: &str = "Exit codes: 0 Azure's side is ruled out, 1 a cause was found, 2 nothing or several \
                                     symptoms match, or wrong use, 3 it cannot be told: data is missing, or nowhere to look \
                                     was named. Of --events: 0 no scenario, 1 a scenario, 2 no event log, 3 damaged";

pub(super) const HELP: &str = "\
Examples:
  azaudit diagnose 798
  azaudit diagnose \"The message received was unexpected or badly formatted\" --from exports/
  azaudit diagnose 812 --subscription Contoso --gateway vpngw-hub --format markdown
  azaudit diagnose rdp-cannot-connect --subscription Contoso --vm vm-jump
  wevtutil qe System /f:xml > system.xml && azaudit diagnose --events system.xml --lang fr";

/// `azaudit symptoms`.
#[derive(Debug, Subcommand)]
pub enum SymptomCommand {
    /// Name the symptoms: id, codes, what the user meets
    List(ListSymptoms),
    /// Show one symptom: messages, cause, steps, and the policies that look for its causes
    Show(ShowSymptom),
}

/// `azaudit symptoms list`.
#[derive(Debug, Args)]
pub struct ListSymptoms {
    /// The language [default: that of the environment]
    #[arg(long, value_name = "en|fr|zh|ja", value_parser = language)]
    pub lang: Option<Language>,
    /// The format on standard output
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub format: ListFormat,
}

/// `azaudit symptoms show`.
#[derive(Debug, Args)]
pub struct ShowSymptom {
    /// Its id: `azaudit symptoms list` names them
    #[arg(value_name = "ID")]
    pub id: String,
    /// The language [default: that of the environment]
    #[arg(long, value_name = "en|fr|zh|ja", value_parser = language)]
    pub lang: Option<Language>,
    /// The format on standard output
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub format: ListFormat,
}

fn language(text: &str) -> Result<Language, String> {
    Language::parse(text).ok_or_else(|| "expected en, fr, zh or ja".to_owned())
}
