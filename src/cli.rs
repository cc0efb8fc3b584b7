//! The command line, as it was typed: nothing here looks anything up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::error::ContextValue;
use clap::{Args, Parser, Subcommand, ValueEnum};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::facts::ip_flow::End;
use crate::facts::nsg::{Direction, Protocol};
use crate::policy::{Severity, Verdict};
use crate::report::FormatName;
use crate::source::arm::{Auth, Cloud};
use crate::visible::visible;

mod collect;
mod diagnose;

pub use collect::Collect;
pub use diagnose::{Diagnose, DiagnosisFormat, ListSymptoms, ShowSymptom, SymptomCommand};

/// Says which Azure settings break or endanger point-to-site VPN and Remote Desktop, with the evidence and the
/// command that mends each. It only reads.
#[derive(Debug, Parser)]
#[command(name = "azaudit", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 wrong use or unreadable input, \
                          3 incomplete: something could not be read";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Audit a subscription, or files that were exported from one
    #[command(after_help = EXIT_CODES)]
    Scan(Box<Scan>),
    /// Record what a scan reads, without secrets, so that it can be judged elsewhere and later
    #[command(after_help = collect::EXIT_CODES)]
    Collect(Box<Collect>),
    /// Find the cause of an error that a user saw: what it is, what Azure says about its causes, what is left to do
    #[command(after_help = diagnose::EXIT_CODES, after_long_help = format!("{}\n\n{}", diagnose::HELP, diagnose::EXIT_CODES))]
    Diagnose(Box<Diagnose>),
    /// Say what the network security rules do with one packet of one machine
    #[command(after_help = FLOW_EXIT_CODES)]
    TestIpFlow(Box<TestIpFlow>),
    /// Look at the symptoms that can be diagnosed
    Symptoms {
        /// What to do.
        #[command(subcommand)]
        command: SymptomCommand,
    },
    /// Look at the policies that are judged by, or check and test policies of your own
    Policies {
        /// What to do.
        #[command(subcommand)]
        command: PolicyCommand,
    },
}

/// `azaudit policies`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Name the policies: id, severity, subject, claim
    List(Box<ListPolicies>),
    /// Show one policy: what it claims, the facts that it reads, what a finding of it looks like, and its file
    Show(Box<ShowPolicy>),
    /// Report every fault of the policies in a folder; exit 2 if there is any
    Check {
        /// The folders
        #[arg(value_name = "DIR", required = true)]
        folders: Vec<PathBuf>,
    },
    /// Try the policies of a folder on its fixtures: estates whose subjects are named after the expected verdict
    #[command(after_help = TEST_EXIT_CODES, after_long_help = TEST_HELP)]
    Test(TestPolicies),
    /// Print the JSON Schema of policy files, for editors
    Schema,
}

const TEST_EXIT_CODES: &str = "Exit codes: 0 all as expected, 1 something is not, 2 wrong use, a policy that does not \
                               load, a fixture that cannot be read";

const TEST_HELP: &str = "\
Fixtures: the policy ID.yaml is tried on ID.json and ID@YYYY-MM-DD.json, which stand in DIR, in any folder below it, or \
in testdata/NAME beside a DIR of that name. Each is a list of ARM resources, judged at 2026-01-01 or at the day in its \
name.

Names: the name of each subject that the policy judges starts with passes-, fails-, unknown- or notapplicable-. Of a \
root certificate, an IP configuration or a rule it is its own name, of a GatewaySubnet or a peering that of the virtual \
network. Each policy has to fail and to pass somewhere.

Exit codes: 0 all as expected, 1 something is not, 2 wrong use, a policy that does not load, a fixture that cannot be \
read";

/// `azaudit policies test`.
#[derive(Debug, Args)]
pub struct TestPolicies {
    /// The folders
    #[arg(value_name = "DIR", required = true)]
    pub folders: Vec<PathBuf>,
    /// Look for fixtures in this folder and below it, and nowhere else (repeats)
    #[arg(long, value_name = "DIR")]
    pub fixtures: Vec<PathBuf>,
    /// Only policies whose id matches, such as 'rdp-*' (repeats)
    #[arg(long, value_name = "GLOB")]
    pub policy: Vec<String>,
    /// The format on standard output
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub format: ListFormat,
}

/// `azaudit policies show`.
#[derive(Debug, Args)]
pub struct ShowPolicy {
    /// Its id: `azaudit policies list` names them
    #[arg(value_name = "ID")]
    pub id: String,
    /// Add the policies of this folder (repeats)
    #[arg(long, value_name = "DIR")]
    pub policies: Vec<PathBuf>,
    /// Leave the built-in policies out
    #[arg(long, requires = "policies")]
    pub no_builtin_policies: bool,
    /// The format on standard output
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub format: ListFormat,
}

/// `azaudit policies list`.
#[derive(Debug, Args)]
pub struct ListPolicies {
    /// Only policies whose id matches, such as 'rdp-*' (repeats)
    #[arg(long, value_name = "GLOB")]
    pub policy: Vec<String>,
    /// Add the policies of this folder (repeats)
    #[arg(long, value_name = "DIR")]
    pub policies: Vec<PathBuf>,
    /// Leave the built-in policies out
    #[arg(long, requires = "policies")]
    pub no_builtin_policies: bool,
    /// The format on standard output
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub format: ListFormat,
    /// No colours (also with NO_COLOR set)
    #[arg(long)]
    pub no_color: bool,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people
    Table,
    /// For machines
    Json,
}

const FLOW_EXIT_CODES: &str = "Exit codes: 0 Allow, 1 Deny, 2 wrong use, no such machine or address, 3 Unknown: what \
                               decides was not read";

/// `azaudit scan`.
#[derive(Debug, Args)]
#[command(group(
    clap::ArgGroup::new("origin").required(true).multiple(true).args(["subscription", "all_subscriptions", "management_group", "from"])
))]
pub struct Scan {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub source: Source,
    /// What is judged.
    #[command(flatten)]
    pub policies: Policies,
    /// What is shown, and where.
    #[command(flatten)]
    pub output: Output,
}

/// Where the configuration comes from: live or offline, never both.
#[derive(Debug, Args)]
#[command(next_help_heading = "Source")]
#[group(skip)]
pub struct Source {
    /// Audit this subscription, live (repeats)
    #[arg(long, value_name = "ID|NAME")]
    pub subscription: Vec<String>,
    /// Audit every subscription that the identity may read
    #[arg(long, conflicts_with = "subscription")]
    pub all_subscriptions: bool,
    /// Audit the subscriptions below this management group (repeats)
    #[arg(long, value_name = "ID", conflicts_with_all = ["all_subscriptions", "from"])]
    pub management_group: Vec<String>,
    /// Audit only this resource group
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    pub resource_group: Option<String>,
    /// Audit exported files instead: files, folders (*.json, *.jsonl) or - (repeats); never touches the network
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with_all = ["subscription", "all_subscriptions"])]
    pub from: Vec<PathBuf>,
    /// How to sign in
    #[arg(long, value_enum, default_value = "auto")]
    pub auth: Auth,
    /// Which cloud
    #[arg(long, value_enum)]
    pub cloud: Option<Cloud>,
    /// Azure Resource Manager's address [env: AZURE_RESOURCE_MANAGER_ENDPOINT]
    #[arg(long, value_name = "URL", conflicts_with = "from")]
    pub arm_endpoint: Option<String>,
    /// Also ask for live point-to-site sessions; needs more than the role Reader
    #[arg(long, conflicts_with = "from")]
    pub sessions: bool,
    /// How long one request may take with all its retries
    #[arg(long, value_name = "SECONDS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
}

/// What is judged.
#[derive(Debug, Args)]
#[command(next_help_heading = "Policies")]
pub struct Policies {
    /// Judge only policies whose id matches, such as 'rdp-*' (repeats)
    #[arg(long, value_name = "GLOB")]
    pub policy: Vec<String>,
    /// Leave policies out whose id matches (repeats)
    #[arg(long, value_name = "GLOB")]
    pub skip_policy: Vec<String>,
    /// Add the policies of this folder (repeats)
    #[arg(long, value_name = "DIR")]
    pub policies: Vec<PathBuf>,
    /// Leave the built-in policies out
    #[arg(long, requires = "policies")]
    pub no_builtin_policies: bool,
    /// Judge only policies that a published mapping names in this framework, such as 'cis-azure-foundations-*' (repeats)
    #[arg(long, value_name = "GLOB")]
    pub framework: Vec<String>,
    /// Judge only at this severity and worse
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub severity: Option<Severity>,
    /// The port that Remote Desktop listens on [default: 3389]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub rdp_port: Option<u16>,
    /// The addresses behind service tags: Microsoft's ServiceTags_*.json, or what `az network list-service-tags` prints
    #[arg(long, value_name = "FILE")]
    pub service_tags: Option<PathBuf>,
    /// The configuration [default: azaudit.toml in the working directory or above it]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What is shown, and where.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// The format on standard output
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: FormatName,
    /// Write a report to a file too, such as json=report.json (repeats)
    #[arg(long, value_name = "FORMAT=FILE", value_parser = output_file)]
    pub output: Vec<(FormatName, PathBuf)>,
    /// Exit with 1 when something fails at this severity or worse
    #[arg(long, value_name = "LEVEL", value_enum, default_value = "high")]
    pub fail_on: FailOn,
    /// Show these verdicts too: pass, notApplicable (fail and unknown are always shown)
    #[arg(long, value_name = "VERDICT", value_delimiter = ',', value_parser = verdict)]
    pub show: Vec<Verdict>,
    /// Judge as if it were this moment, such as 2026-01-01T00:00:00Z
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

/// The severity from which on failures make the exit code 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Critical failures only
    Critical,
    /// Critical and high ones
    High,
    /// Medium ones and worse
    Medium,
    /// Low ones and worse
    Low,
    /// Any failure
    Info,
    /// No failure
    Never,
}

impl FailOn {
    /// The mildest severity that counts; `None`: no failure does.
    pub fn mildest(self) -> Option<Severity> {
        match self {
            Self::Critical => Some(Severity::Critical),
            Self::High => Some(Severity::High),
            Self::Medium => Some(Severity::Medium),
            Self::Low => Some(Severity::Low),
            Self::Info => Some(Severity::Info),
            Self::Never => None,
        }
    }
}

impl ValueEnum for Severity {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }
    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.word()))
    }
}

/// `azaudit test-ip-flow`. Its arguments are those of `az network watcher test-ip-flow`.
#[derive(Debug, Args)]
#[command(
    group(clap::ArgGroup::new("origin").required(true).multiple(true).args(["subscription", "all_subscriptions", "management_group", "from"])),
    // Offline too it tells machines of one name apart.
    mut_arg("resource_group", |it| {
        it.short('g').conflicts_with(Resettable::Reset).help("Read only this resource group; the machine is in it")
    }),
    mut_arg("subscription", |it| it.help("Read this subscription, live (repeats)")),
    mut_arg("all_subscriptions", |it| it.help("Read every subscription that the identity may read")),
    mut_arg("management_group", |it| it.help("Read the subscriptions below this management group (repeats)")),
    mut_arg("from", |it| {
        it.help("Read exported files instead: files, folders (*.json, *.jsonl) or - (repeats); never touches the network")
    })
)]
pub struct TestIpFlow {
    /// Whether the packet comes to the machine or leaves it
    #[arg(long, value_name = "Inbound|Outbound", value_parser = direction)]
    pub direction: Direction,
    /// Its protocol
    #[arg(long, value_name = "TCP|UDP", value_parser = protocol)]
    pub protocol: Protocol,
    /// The machine's private address and its port: 10.0.0.4:3389, [fd00::4]:3389; * is one port or another
    #[arg(long, value_name = "IP:PORT", value_parser = end)]
    pub local: End,
    /// The address and the port of the other end
    #[arg(long, value_name = "IP:PORT", value_parser = end)]
    pub remote: End,
    /// The machine, or the scale set; without it and --nic, whose address --local is
    #[arg(long, value_name = "NAME|ID")]
    pub vm: Option<String>,
    /// The network interface; with --vm, one of the machine's
    #[arg(long, value_name = "NAME|ID")]
    pub nic: Option<String>,
    /// The addresses behind service tags: Microsoft's ServiceTags_*.json, or what `az network list-service-tags` prints
    #[arg(long, value_name = "FILE")]
    pub service_tags: Option<PathBuf>,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub source: Source,
    /// The format on standard output
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table", help_heading = "Output")]
    pub format: FlowFormat,
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

/// The formats of `test-ip-flow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FlowFormat {
    /// For people
    Table,
    /// `azaudit.ip-flow/v1`
    Json,
}

/// The arguments of this process. Wrong ones, and questions for help, end it.
pub fn parse() -> Cli {
    Cli::try_parse().unwrap_or_else(|error| harmless(error).exit())
}

/// The error without what a terminal would obey of the arguments that it repeats.
fn harmless(mut error: clap::Error) -> clap::Error {
    let said: Vec<_> = error.context().map(|(kind, value)| (kind, value.clone())).collect();
    for (kind, value) in said {
        let value = match value {
            ContextValue::String(text) => ContextValue::String(visible(&text).into_owned()),
            ContextValue::Strings(texts) => {
                ContextValue::Strings(texts.iter().map(|text| visible(text).into_owned()).collect())
            }
            other => other,
        };
        error.insert(kind, value);
    }
    error
}

fn direction(text: &str) -> Result<Direction, String> {
    let found = Direction::ALL.into_iter().find(|it| it.word().eq_ignore_ascii_case(text));
    found.ok_or_else(|| "expected Inbound or Outbound".to_owned())
}

fn protocol(text: &str) -> Result<Protocol, String> {
    let found = Protocol::ALL.into_iter().find(|it| it.word().eq_ignore_ascii_case(text));
    found.ok_or_else(|| "expected TCP or UDP".to_owned())
}

/// `10.0.0.4:3389`, `[fd00::4]:3389`, and `*` as the port.
fn end(text: &str) -> Result<End, String> {
    let shape = "expected IP:PORT, such as 10.0.0.4:3389 or [fd00::4]:3389";
    let (address, port) = text.trim().rsplit_once(':').ok_or(shape)?;
    let address: IpAddr = match address.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().map(IpAddr::V6).map_err(|_| shape)?,
        None => address.parse::<Ipv4Addr>().map(IpAddr::V4).map_err(|_| shape)?,
    };
    if matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some()) {
        return Err("no packet carries an IPv4 address mapped into IPv6: give the IPv4 address".to_owned());
    }
    // A plus sign is a number's to its parser, and none of a port.
    let digits = Some(port).filter(|it| !it.starts_with('+'));
    let number = digits.and_then(|it| it.parse().ok());
    let number = || number.ok_or_else(|| format!("`{}` is no port: expected 0 to 65535, or *", visible(port)));
    let port = if port == "*" { None } else { Some(number()?) };
    Ok(End { address, port })
}

fn output_file(text: &str) -> Result<(FormatName, PathBuf), String> {
    let (format, path) = text.split_once('=').ok_or("expected FORMAT=FILE, such as json=report.json")?;
    if path.is_empty() {
        return Err(format!("no file name behind `{format}=`"));
    }
    if path == "-" {
        return Err(format!("--format {format} writes to standard output"));
    }
    Ok((format.parse()?, path.into()))
}

fn verdict(text: &str) -> Result<Verdict, String> {
    let plain = text.trim().replace(['-', '_'], "");
    Verdict::ALL
        .into_iter()
        .find(|verdict| verdict.word().eq_ignore_ascii_case(&plain))
        .ok_or_else(|| format!("`{}` is no verdict: one of pass, fail, unknown, notApplicable", visible(text)))
}

fn moment(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| "expected a date with time and zone (RFC 3339), such as 2026-01-01T00:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn live_and_offline_exclude_each_other_and_one_is_needed() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        assert!(parse("azaudit scan").is_err());
        assert!(parse("azaudit scan --auth cli").is_err());
        assert!(parse("azaudit scan --resource-group rg --timeout 5").is_err());
        assert!(parse("azaudit scan --from a --sessions").is_err());
        assert!(parse("azaudit scan --from a --subscription b").is_err());
        assert!(parse("azaudit scan --from a --from b c -").is_ok());
        assert!(parse("azaudit scan --subscription b --subscription c --resource-group rg").is_ok());
    }

    #[test]
    fn ends_are_an_address_and_a_port() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(end("10.0.0.4:3389"), Ok(End { address: ip("10.0.0.4"), port: Some(3389) }));
        assert_eq!(end("10.0.0.4:*"), Ok(End { address: ip("10.0.0.4"), port: None }));
        assert_eq!(end("[fd00::4]:0"), Ok(End { address: ip("fd00::4"), port: Some(0) }));
        for text in [
            "10.0.0.4",
            "10.0.0.4:",
            "10.0.0.4:65536",
            "10.0.0.4:-1",
            "10.0.0.4:+1",
            "fd00::4:3389",
            "[10.0.0.4]:1",
            "a:1",
            "",
        ] {
            assert!(end(text).is_err(), "{text}");
        }
        assert!(end("[::ffff:10.0.0.4]:1").unwrap_err().contains("mapped"));
    }

    #[test]
    fn a_wrong_argument_cannot_command_the_terminal() {
        for argument in ["--direction=\u{1b}[2J", "--local=10.0.0.4:\u{1b}[2J", "--\u{1b}[2J", "\u{1b}[2J"] {
            let error = Cli::try_parse_from(["azaudit", "test-ip-flow", argument]).unwrap_err();
            let told = harmless(error).render().ansi().to_string();
            assert!(told.contains(r"\u{1b}[2J") && !told.contains("\u{1b}[2J"), "{told:?}");
        }
        let error = Cli::try_parse_from(["azaudit", "sc\u{1b}[2Jan"]).unwrap_err();
        assert!(!harmless(error).render().ansi().to_string().contains("\u{1b}[2J"));
    }

    #[test]
    fn the_resource_group_narrows_a_flow_offline_too() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        let flow = "azaudit test-ip-flow --direction inbound --protocol tcp --local 10.0.0.4:1 --remote 10.0.0.5:*";
        assert!(parse(&format!("{flow} --from a -g rg")).is_ok());
        assert!(parse(&format!("{flow} --subscription s -g rg")).is_ok());
        assert!(parse(&format!("{flow} --from a --subscription s")).is_err());
        assert!(parse(&format!("{flow} --from a --vm v --nic n")).is_ok());
        assert!(parse(flow).is_err());
        assert!(parse("azaudit scan --from a --resource-group rg").is_err());
    }

    #[test]
    fn verdicts_are_taken_in_the_spellings_people_use() {
        assert_eq!(verdict("notApplicable"), Ok(Verdict::NotApplicable));
        assert_eq!(verdict("not-applicable"), Ok(Verdict::NotApplicable));
        assert!(verdict("passed").is_err());
    }
}
