//! Azure Resource Manager, read live.
//!
//! [`collect`] follows one plan of calls: the subscriptions, Resource Graph (or, where that is refused, a list of each
//! type), the policies of just-in-time access where there are machines, a GET of each gateway that serves clients with
//! its metrics and sessions, and a GET of what lies outside the scope but is referred to. It reads only. Whatever
//! cannot be read becomes a [`Gap`](super::Gap) of the smallest scope, and the rest goes on.

mod client;
mod cloud;
mod error;
mod failure;
mod gateways;
mod graph;
mod identity;
mod intake;
mod kinds;
mod lists;
mod operation;
mod outside;
mod page;
mod plan;
mod references;
mod retry;
mod row;
mod subscriptions;
mod token;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use time::OffsetDateTime;

use super::Sink;
use client::Client;
pub use cloud::{Cloud, Endpoint};
pub use error::LiveError;
use identity::Settings;
use token::{Maker, Tokens};

/// How the value of an environment variable is found; `None`: it is not set.
pub type EnvVar<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Which identity reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Auth {
    /// The first that is there: environment, workload identity, managed identity, Azure CLI.
    #[default]
    Auto,
    /// Whoever signed in with `az login`.
    Cli,
    /// A service principal: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET.
    Environment,
    /// The identity of the machine, container or function that azaudit runs on; AZURE_CLIENT_ID picks one of several.
    ManagedIdentity,
    /// Kubernetes: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE.
    WorkloadIdentity,
    /// A service connection of Azure Pipelines.
    AzurePipelines,
}

/// What is read, and how.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// Ids or names of subscriptions.
    pub subscriptions: Vec<String>,
    /// All subscriptions that the identity sees.
    pub all_subscriptions: bool,
    /// Ids of management groups: the subscriptions below them.
    pub management_groups: Vec<String>,
    /// Types (lower case) that are read whole beside those that the audit knows.
    pub types: Vec<String>,
    /// Only this resource group of each.
    pub resource_group: Option<String>,
    /// Which identity reads.
    pub auth: Auth,
    /// Which cloud, unless the endpoint says.
    pub cloud: Cloud,
    /// The address of Azure Resource Manager; `None`: AZURE_RESOURCE_MANAGER_ENDPOINT, else the cloud's.
    pub arm_endpoint: Option<String>,
    /// Whether live sessions are asked for, which needs more than Reader.
    pub sessions: bool,
    /// How long one request may take with all its retries.
    pub timeout: Duration,
    /// The end of the metrics' window.
    pub now: OffsetDateTime,
    /// How far back metrics are read.
    pub metrics_window: Duration,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            subscriptions: Vec::new(),
            all_subscriptions: false,
            management_groups: Vec::new(),
            types: Vec::new(),
            resource_group: None,
            auth: Auth::default(),
            cloud: Cloud::default(),
            arm_endpoint: None,
            sessions: false,
            timeout: Duration::from_secs(100),
            now: OffsetDateTime::now_utc(),
            metrics_window: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// What was asked, for the report and for `-v`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveReport {
    /// The ids of the subscriptions that were audited, in lower case and sorted.
    pub subscriptions: Vec<String>,
    /// The cloud: `public`, `usgov`, `china`.
    pub cloud: String,
    /// How many requests each step took, retries included.
    pub requests: Vec<(String, u64)>,
}

/// Reads Azure and hands what it finds to `sink`. Blocks; it runs a tokio runtime of its own, so it must not be called
/// from within another.
///
/// # Errors
///
/// Nothing could be audited at all: a refused endpoint, no credential, a subscription name that nobody knows.
pub fn collect(options: &LiveOptions, env: EnvVar<'_>, sink: &mut dyn Sink) -> Result<LiveReport, LiveError> {
    let env = |name: &str| env(name).filter(|value| !value.trim().is_empty());
    let endpoint = Endpoint::resolve(options.cloud, options.arm_endpoint.as_deref(), &env)?;
    let settings = Settings::read(options.auth, &endpoint, &env);
    run(options, endpoint, Box::new(move || settings.credential()), sink)
}

/// As [`collect`], as an identity of the caller's own.
///
/// # Errors
///
/// As [`collect`].
pub fn collect_as(
    credential: Arc<dyn TokenCredential>,
    options: &LiveOptions,
    env: EnvVar<'_>,
    sink: &mut dyn Sink,
) -> Result<LiveReport, LiveError> {
    let env = |name: &str| env(name).filter(|value| !value.trim().is_empty());
    let endpoint = Endpoint::resolve(options.cloud, options.arm_endpoint.as_deref(), &env)?;
    run(options, endpoint, Box::new(move || Arc::clone(&credential)), sink)
}

fn run(
    options: &LiveOptions,
    endpoint: Endpoint,
    credential: Maker,
    sink: &mut dyn Sink,
) -> Result<LiveReport, LiveError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| LiveError::Setup(error.to_string()))?;
    // Within the runtime: a credential may look for it when it is made.
    let _within = runtime.enter();
    let tokens = Tokens::new(credential, endpoint.scope());
    let client = Client::new(endpoint, tokens, options.timeout).map_err(|error| LiveError::Setup(error.to_string()))?;
    runtime.block_on(plan::run(Arc::new(client), options, sink))
}
