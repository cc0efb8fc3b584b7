//! Why nothing could be audited at all.

use thiserror::Error;

/// What ends a live run before anything was read. Each names the place and whose turn it is; [`hint`](Self::hint) says
/// what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LiveError {
    /// The address of Azure Resource Manager cannot be used. The caller's mistake.
    #[error("{origin}: `{url}` is no endpoint: {problem}")]
    Endpoint {
        /// The flag or variable that it came from.
        origin: &'static str,
        /// The address.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// This machine cannot set up a runtime or TLS.
    #[error("cannot set up the client: {0}")]
    Setup(String),
    /// No identity gave a token. What each said, one on a line.
    #[error("no identity to sign in with\n{said}")]
    Credential {
        /// `name: reason`, one on a line.
        said: String,
    },
    /// Azure Resource Manager does not answer.
    #[error("{url} does not answer: {detail}")]
    Unreachable {
        /// The endpoint.
        url: String,
        /// What happened.
        detail: String,
    },
    /// Azure Resource Manager does not accept the token.
    #[error("{url} refuses the identity: {detail}")]
    Rejected {
        /// The endpoint.
        url: String,
        /// What it says.
        detail: String,
    },
    /// No subscription was named.
    #[error("no subscription to audit")]
    NothingAsked,
    /// The identity sees no subscription.
    #[error("the identity sees no subscription")]
    NoSubscription,
    /// No subscription below that management group can be found.
    #[error("no subscription below the management group `{group}`: {detail}")]
    ManagementGroup {
        /// Its id.
        group: String,
        /// What Azure says.
        detail: String,
    },
    /// No subscription that the identity sees has that name.
    #[error("no subscription is called `{name}`")]
    UnknownSubscription {
        /// What was asked for.
        name: String,
        /// Names that are nearly that, best first.
        near: Vec<String>,
    },
    /// Several subscriptions have that name.
    #[error("{} subscriptions are called `{name}`: {}", ids.len(), ids.join(", "))]
    AmbiguousSubscription {
        /// What was asked for.
        name: String,
        /// The ids of them.
        ids: Vec<String>,
    },
    /// A name cannot be looked up, since the list of subscriptions could not be read.
    #[error("cannot look up the subscription `{name}`: {detail}")]
    NameLookup {
        /// What was asked for.
        name: String,
        /// Why there is no list.
        detail: String,
    },
    /// None of the subscriptions has that resource group.
    #[error("no resource group is called `{0}` in what is audited")]
    UnknownResourceGroup(String),
}

impl LiveError {
    /// What to do about it, for the line `hint: …`.
    pub fn hint(&self) -> String {
        match self {
            Self::Endpoint { .. } => "use https, or plain http to 127.0.0.1, [::1] or localhost".into(),
            Self::Setup(_) => "scan an export with --from".into(),
            Self::Credential { .. } => "sign in with `az login`, or name an identity with --auth".into(),
            Self::Unreachable { .. } => "check the network and proxy, or name the endpoint with --arm-endpoint".into(),
            Self::Rejected { .. } => "check the identity's tenant and the cloud (--cloud)".into(),
            Self::NothingAsked => {
                "name one with --subscription, or take --all-subscriptions or --management-group".into()
            }
            Self::NoSubscription => "ask for Reader on a subscription, or scan an export with --from".into(),
            Self::ManagementGroup { .. } => {
                "name it by its id, not its display name, and ask for Reader on it: `az account management-group list`"
                    .into()
            }
            Self::UnknownSubscription { near, .. } if near.is_empty() => {
                "`az account list` shows the subscriptions of an identity; an id works without being listed".into()
            }
            Self::UnknownSubscription { near, .. } => format!("did you mean `{}`?", near.join("` or `")),
            Self::AmbiguousSubscription { .. } | Self::NameLookup { .. } => "name it by its id".into(),
            Self::UnknownResourceGroup(_) => "check its name and the subscription".into(),
        }
    }
}
