//! What a run judges by: the policies, and what the command line and `azaudit.toml` say about them and about Remote
//! Desktop.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::cli::Policies;
use crate::config::{Config, FILE_NAME};
use crate::count::counted;
use crate::error::Failure;
use crate::facts::RDP_PORT;
use crate::facts::service_tag::ServiceTags;
use crate::policy::{PolicySet, Severity};
use crate::printer::Printer;
use crate::source::arm::Cloud;
use crate::text_file;
use crate::visible::visible;

/// What a run judges by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The chosen policies, parameters and severities set.
    pub policies: PolicySet,
    /// The port that Remote Desktop listens on.
    pub rdp_port: u16,
    /// The addresses behind service tags.
    pub service_tags: Arc<ServiceTags>,
}

impl Settings {
    /// Reads policies, configuration and service tags.
    ///
    /// # Errors
    ///
    /// Whatever keeps the run from judging as it was asked to: faulty or unreadable files, patterns that match nothing.
    pub fn read(arguments: &Policies, printer: &Printer) -> Result<Self, Failure> {
        let config = config(arguments.config.as_deref(), printer)?;
        let policies = policies(arguments, config.as_ref(), printer)?;
        let service_tags = service_tags(arguments.service_tags.as_deref(), config.as_ref(), printer)?;
        let rdp_port = arguments.rdp_port.or(config.as_ref().and_then(|config| config.rdp_port)).unwrap_or(RDP_PORT);
        Ok(Self { policies, rdp_port, service_tags })
    }
}

/// The addresses behind service tags, of the file that was named or configured; empty without either. For commands
/// that judge by no policies.
///
/// # Errors
///
/// The list, or the configuration that is found, cannot be read.
pub fn service_tags_alone(named: Option<&Path>, printer: &Printer) -> Result<Arc<ServiceTags>, Failure> {
    let config = if named.is_some() { None } else { config(None, printer)? };
    service_tags(named, config.as_ref(), printer)
}

/// Warns where service tags are those of another cloud than `public`, `usgov` or `china`, whichever is audited.
pub fn check_cloud(tags: &ServiceTags, audited: &str, printer: &Printer) {
    let Some(word) = tags.cloud() else { return };
    if cloud_of_list(word).is_some_and(|cloud| cloud.name() != audited) {
        printer.warning(format!(
            "the service tags are those of the cloud `{word}`, and the cloud `{audited}` is audited: \
             rules that name a service tag are judged by the wrong addresses"
        ));
    }
}

/// The cloud that a list of service tags is of: `Public`, `AzureGovernment`, `AzureChina`.
fn cloud_of_list(word: &str) -> Option<Cloud> {
    let word = word.to_lowercase();
    let has = |part: &str| word.contains(part);
    match () {
        () if has("gov") => Some(Cloud::UsGov),
        () if has("china") => Some(Cloud::China),
        () if has("public") || word == "azurecloud" => Some(Cloud::Public),
        () => None,
    }
}

fn all(errors: Vec<impl fmt::Display>) -> Failure {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Failure::new(lines.join("\n"))
}

/// The configuration that was named, else the one that is found in the working directory or above it.
fn config(named: Option<&Path>, printer: &Printer) -> Result<Option<Config>, Failure> {
    let found = match named {
        Some(path) => Some(path.to_owned()),
        None => std::env::current_dir().ok().and_then(|folder| {
            let path = Config::find(&folder)?;
            // In the working directory itself the name says enough.
            Some(if path.parent() == Some(&folder) { FILE_NAME.into() } else { path })
        }),
    };
    let config = found.map(|path| Config::read(&path)).transpose().map_err(all)?;
    if let Some(config) = &config {
        printer.detail(format!("configuration: {}", config.path.display()));
    }
    Ok(config)
}

fn policies(arguments: &Policies, config: Option<&Config>, printer: &Printer) -> Result<PolicySet, Failure> {
    let builtin = !arguments.no_builtin_policies;
    let mut policies = PolicySet::load(builtin, &arguments.policies).map_err(all)?;
    let mut disabled: Vec<&str> = Vec::new();
    if let Some(config) = config {
        // A team's configuration holds for runs without the built-in policies too.
        let left_out = if builtin { PolicySet::default() } else { PolicySet::load(true, &[]).map_err(all)? };
        config.apply(&mut policies, left_out).map_err(all)?;
        disabled.extend(config.disabled().filter(|id| !arguments.policy.iter().any(|named| named == id)));
    }
    policies.select(&arguments.policy, &arguments.skip_policy).map_err(Failure::new)?;
    policies.select_frameworks(&arguments.framework).map_err(Failure::new)?;
    disabled.retain(|id| policies.get(id).is_some());
    policies.retain(|policy| !disabled.contains(&policy.id()));
    if !disabled.is_empty() {
        let left_out = format!("left out by the configuration: {}", disabled.join(", "));
        match (&arguments.config, config) {
            // A file that was found and not named may be somebody else's: nobody is to wonder why nothing failed.
            (None, Some(config)) => printer.warning(format!("{left_out} (`{}`)", config.path.display())),
            _ => printer.detail(left_out),
        }
    }
    policies.retain_severity(arguments.severity.unwrap_or(Severity::Info));
    if policies.is_empty() {
        let hint = match disabled.is_empty() {
            true => "widen --policy, --skip-policy, --framework or --severity: together they exclude every policy",
            false => "the configuration leaves some out with `enabled = false`; name one exactly with --policy",
        };
        return Err(Failure::new("no policy is left to judge by").hint(hint));
    }
    Ok(policies)
}

fn service_tags(named: Option<&Path>, config: Option<&Config>, printer: &Printer) -> Result<Arc<ServiceTags>, Failure> {
    let Some(path) = named.or(config.and_then(|config| config.service_tags.as_deref())) else {
        return Ok(Arc::default());
    };
    let shown = path.display().to_string();
    let shown = visible(&shown);
    let text = text_file::read(path).map_err(|error| {
        Failure::new(format!("cannot read the service tags `{shown}`: {error}"))
            .hint("name a file with --service-tags, or with `service-tags` in azaudit.toml")
    })?;
    let tags = ServiceTags::parse(&text).map_err(|error| {
        Failure::new(visible(&format!("`{shown}`: {error}"))).hint(
            "expected Microsoft's weekly file ServiceTags_Public_YYYYMMDD.json \
             (https://www.microsoft.com/download/details.aspx?id=56519), or what \
             `az network list-service-tags --location westeurope --output json` prints",
        )
    })?;
    let change = tags.change_number().map(|number| format!("change {number}, ")).unwrap_or_default();
    let count = counted(u64::try_from(tags.len()).unwrap_or(u64::MAX), "tag");
    printer.detail(format!("service tags: {change}{count} ({shown})"));
    Ok(Arc::new(tags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cloud_of_a_list_is_known_by_its_word() {
        let of = |word| cloud_of_list(word).map(Cloud::name);
        assert_eq!([of("Public"), of("AzureCloud")], [Some("public"); 2]);
        assert_eq!([of("AzureGovernment"), of("AzureUSGovernment")], [Some("usgov"); 2]);
        assert_eq!([of("AzureChina"), of("AzureChinaCloud")], [Some("china"); 2]);
        assert_eq!([of(""), of("AzureGermany")], [None; 2]);
    }
}
