//! `azaudit.toml`: what a team sets once for all of its runs. The command line wins over it, and no environment
//! variable matters.
//!
//! ```toml
//! rdp-port = 3390                         # --rdp-port
//! service-tags = "ServiceTags.json"       # --service-tags; relative to this file
//!
//! [policy.p2s-root-certificate-lifetime]
//! params = { maxElapsed = 0.6 }
//! severity = "low"                        # of every failure, whatever the policy's own conditions say
//! enabled = false                         # left out, unless --policy names it exactly
//! ```

mod read;

use std::path::{Path, PathBuf};

use crate::policy::{LoadError, Param, PolicyError, PolicySet, Severity, did_you_mean};

/// The name of the file that is looked for.
pub const FILE_NAME: &str = "azaudit.toml";

/// What a configuration file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The file, as it was named or found.
    pub path: PathBuf,
    /// The port that Remote Desktop listens on.
    pub rdp_port: Option<u16>,
    /// Microsoft's list of service tags; a relative path was meant relative to the configuration file.
    pub service_tags: Option<PathBuf>,
    policies: Vec<Settings>,
}

/// A value, and its line and column, both counted from 1.
#[derive(Clone, Debug, PartialEq)]
struct Placed<T> {
    at: (usize, usize),
    value: T,
}

/// What is set for one policy.
#[derive(Clone, Debug, PartialEq)]
struct Settings {
    id: Placed<String>,
    params: Vec<(String, Placed<Param>)>,
    severity: Option<Severity>,
    enabled: bool,
}

impl Config {
    /// The configuration file of that folder or of the nearest one above it that has any.
    pub fn find(folder: &Path) -> Option<PathBuf> {
        let mut files = folder.ancestors().map(|folder| folder.join(FILE_NAME));
        // A link that leads nowhere is found too: reading it then fails, where passing over it would be silent.
        files.find(|file| file.symlink_metadata().is_ok() && !file.is_dir())
    }

    /// Sets parameters and severities. Settings for policies of `left_out`, which this run does not judge by, are
    /// checked all the same.
    ///
    /// # Errors
    ///
    /// Every policy and parameter that there is not, and every value of a wrong type, each with its place.
    pub fn apply(&self, policies: &mut PolicySet, mut left_out: PolicySet) -> Result<(), Vec<LoadError>> {
        let mut errors = Vec::new();
        for Settings { id: Placed { at, value: id }, params, severity, .. } in &self.policies {
            let set = match (policies.get(id), left_out.get(id)) {
                (None, None) => {
                    let hint = did_you_mean(id, policies.iter().map(crate::policy::Policy::id));
                    errors.push(self.error(*at, format!("no policy `{id}`"), hint));
                    continue;
                }
                (None, Some(_)) => &mut left_out,
                (Some(_), _) => &mut *policies,
            };
            for (name, Placed { at, value }) in params {
                if let Err(PolicyError { message, hint, .. }) = set.set_param(id, name, value.clone()) {
                    errors.push(self.error(*at, message, hint));
                }
            }
            if let Some(Err(error)) = severity.map(|severity| set.set_severity(id, severity)) {
                errors.push(self.error(*at, error.message, error.hint));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// The policies that are not to be judged by.
    pub fn disabled(&self) -> impl Iterator<Item = &str> {
        self.policies.iter().filter(|it| !it.enabled).map(|it| it.id.value.as_str())
    }

    fn error(&self, at: (usize, usize), message: String, hint: Option<String>) -> LoadError {
        LoadError { path: self.path.display().to_string(), position: Some(at), message, hint }
    }
}
