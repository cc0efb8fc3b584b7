//! Who azaudit is to Azure: the credentials of azure_identity, chosen by `--auth` or tried one after the other.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind;
use azure_core::http::{ClientOptions, ExponentialRetryOptions, RetryOptions, Transport};
use azure_identity::{
    AzureCliCredential, AzurePipelinesCredential, AzurePipelinesCredentialOptions, ClientAssertionCredentialOptions,
    ClientSecretCredential, ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};

use super::cloud::Endpoint;
use super::transport::Plain;
use super::{Auth, EnvVar};

/// How long one credential may take. The Azure CLI starts an interpreter and may ask the network itself.
const LIMIT: Duration = Duration::from_secs(60);
/// How long the chain waits for a managed identity: outside Azure nobody answers there, and not answering is slow.
const PROBE: Duration = Duration::from_secs(3);

/// What the environment says about identities, read once.
#[derive(Clone)]
pub(crate) struct Settings {
    auth: Auth,
    authority: String,
    tenant: Option<String>,
    client: Option<String>,
    secret: Option<Hidden>,
    certificate: bool,
    token_file: Option<PathBuf>,
    connection: Option<String>,
    pipeline_token: Option<Hidden>,
    pipeline_tenant: Option<String>,
    pipeline_client: Option<String>,
}

/// A secret, whose `Debug` says nothing of it.
#[derive(Clone)]
pub(crate) struct Hidden(pub(crate) String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Settings {
    pub(crate) fn read(auth: Auth, endpoint: &Endpoint, env: EnvVar<'_>) -> Self {
        let env = |name: &str| env(name).filter(|value| !value.trim().is_empty());
        Self {
            auth,
            authority: endpoint.authority().to_owned(),
            tenant: env("AZURE_TENANT_ID"),
            client: env("AZURE_CLIENT_ID"),
            secret: env("AZURE_CLIENT_SECRET").map(Hidden),
            certificate: env("AZURE_CLIENT_CERTIFICATE_PATH").is_some(),
            token_file: env("AZURE_FEDERATED_TOKEN_FILE").map(PathBuf::from),
            connection: env("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID").or_else(|| env("AZURE_SERVICE_CONNECTION_ID")),
            pipeline_token: env("SYSTEM_ACCESSTOKEN").map(Hidden),
            pipeline_tenant: env("AZURESUBSCRIPTION_TENANT_ID").or_else(|| env("AZURE_TENANT_ID")),
            pipeline_client: env("AZURESUBSCRIPTION_CLIENT_ID").or_else(|| env("AZURE_CLIENT_ID")),
        }
    }

    /// The credential that `--auth` names, or the chain of them. New ones have empty caches.
    pub(crate) fn credential(&self) -> Arc<dyn TokenCredential> {
        let links = match self.auth {
            Auth::Auto => vec![self.environment(), self.workload(), self.managed(PROBE), self.cli()],
            Auth::Cli => vec![self.cli()],
            Auth::Environment => vec![self.environment()],
            Auth::ManagedIdentity => vec![self.managed(LIMIT)],
            Auth::WorkloadIdentity => vec![self.workload()],
            Auth::AzurePipelines => vec![self.pipelines()],
        };
        Arc::new(Chain { links, chosen: OnceLock::new() })
    }

    fn environment(&self) -> Link {
        let link = |credential| Link { name: "environment", limit: LIMIT, decisive: true, credential };
        let (Some(tenant), Some(client)) = (&self.tenant, &self.client) else {
            return link(Err("AZURE_TENANT_ID and AZURE_CLIENT_ID are not both set".into()));
        };
        let Some(secret) = &self.secret else {
            let missing = match self.certificate {
                true => "a client certificate (AZURE_CLIENT_CERTIFICATE_PATH) is not supported yet",
                false => "AZURE_CLIENT_SECRET is not set",
            };
            return link(Err(missing.into()));
        };
        let options = ClientSecretCredentialOptions { client_options: self.client_options(false) };
        let made = ClientSecretCredential::new(tenant, client.clone(), Secret::new(secret.0.clone()), Some(options));
        link(erased(made))
    }

    fn workload(&self) -> Link {
        let link = |credential| Link { name: "workload identity", limit: LIMIT, decisive: true, credential };
        let Some(file) = &self.token_file else {
            return link(Err("AZURE_FEDERATED_TOKEN_FILE is not set".into()));
        };
        let credential_options = ClientAssertionCredentialOptions { client_options: self.client_options(false) };
        let options = WorkloadIdentityCredentialOptions {
            credential_options,
            tenant_id: self.tenant.clone(),
            client_id: self.client.clone(),
            token_file_path: Some(file.clone()),
        };
        link(erased(WorkloadIdentityCredential::new(Some(options))))
    }

    fn managed(&self, limit: Duration) -> Link {
        let options = ManagedIdentityCredentialOptions {
            client_options: self.client_options(true),
            user_assigned_id: self.client.clone().map(UserAssignedId::ClientId),
        };
        let credential = erased(ManagedIdentityCredential::new(Some(options)));
        Link { name: "managed identity", limit, decisive: false, credential }
    }

    fn cli(&self) -> Link {
        Link { name: "Azure CLI", limit: LIMIT, decisive: true, credential: erased(AzureCliCredential::new(None)) }
    }

    fn pipelines(&self) -> Link {
        let link = |credential| Link { name: "Azure Pipelines", limit: LIMIT, decisive: true, credential };
        let (Some(tenant), Some(client), Some(connection)) =
            (&self.pipeline_tenant, &self.pipeline_client, &self.connection)
        else {
            let missing = "AZURESUBSCRIPTION_TENANT_ID, AZURESUBSCRIPTION_CLIENT_ID and \
                           AZURESUBSCRIPTION_SERVICE_CONNECTION_ID are not all set";
            return link(Err(missing.into()));
        };
        let Some(token) = &self.pipeline_token else {
            return link(
                Err("SYSTEM_ACCESSTOKEN is not set; a pipeline hands it over as $(System.AccessToken)".into()),
            );
        };
        let credential_options = ClientAssertionCredentialOptions { client_options: self.client_options(false) };
        let options = AzurePipelinesCredentialOptions { credential_options };
        let token = Secret::new(token.0.clone());
        link(erased(AzurePipelinesCredential::new(tenant.clone(), client.clone(), connection, token, Some(options))))
    }

    /// `direct`: no proxy stands between this machine and its own identity endpoint.
    fn client_options(&self, direct: bool) -> ClientOptions {
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host = self.authority.clone();
        let retry = ExponentialRetryOptions { max_retries: 2, ..ExponentialRetryOptions::default() };
        ClientOptions {
            transport: Some(Transport::new(Arc::new(Plain::new(direct)))),
            retry: RetryOptions::exponential(retry),
            cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
            ..ClientOptions::default()
        }
    }
}

fn erased<C: TokenCredential + 'static>(made: azure_core::Result<Arc<C>>) -> Result<Arc<dyn TokenCredential>, String> {
    made.map(|it| it as Arc<dyn TokenCredential>).map_err(|error| explain(&error))
}

/// One credential of the chain.
#[derive(Debug)]
struct Link {
    name: &'static str,
    limit: Duration,
    /// Whether its refusal ends the search: somebody configured it, and meant it.
    decisive: bool,
    /// The credential, or why there is none.
    credential: Result<Arc<dyn TokenCredential>, String>,
}

/// Credentials in the order in which they are tried. The first that gives a token is asked from then on.
#[derive(Debug)]
struct Chain {
    links: Vec<Link>,
    chosen: OnceLock<usize>,
}

#[async_trait]
impl TokenCredential for Chain {
    async fn get_token(&self, scopes: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let mut said = Vec::new();
        for (i, link) in self.links.iter().enumerate() {
            if self.chosen.get().is_some_and(|chosen| *chosen != i) {
                continue;
            }
            let credential = match &link.credential {
                Ok(credential) => credential,
                Err(why) => {
                    said.push(format!("{}: {why}", link.name));
                    continue;
                }
            };
            match tokio::time::timeout(link.limit, credential.get_token(scopes, None)).await {
                Ok(Ok(token)) => {
                    tracing::info!(credential = link.name, "signed in");
                    let _ = self.chosen.set(i);
                    return Ok(token);
                }
                Ok(Err(error)) => said.push(format!("{}: {}", link.name, explain(&error))),
                Err(_) => said.push(format!("{}: no answer within {} s", link.name, link.limit.as_secs())),
            }
            if link.decisive {
                break;
            }
        }
        Err(azure_core::Error::with_message(ErrorKind::Credential, said.join("\n")))
    }
}

/// An error with what caused it, in two lines at most and without the pointer to a web page.
fn explain(error: &azure_core::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let text = text.split("\nTo troubleshoot").next().unwrap_or_default();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() && !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = error.source();
    }
    let text = parts.join(": ");
    match text.char_indices().nth(240) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show() {
        assert_eq!(format!("{:?}", Some(Hidden("very-secret".into()))), "Some(***)");
    }

    #[test]
    fn an_error_is_told_in_one_line_without_its_web_page() {
        let inner = azure_core::Error::with_message(ErrorKind::Io, "no\nroute");
        let outer = "sign-in failed\nTo troubleshoot, visit https://aka.ms/x";
        let error = azure_core::Error::with_error(ErrorKind::Credential, inner, outer);
        assert_eq!(explain(&error), "sign-in failed: no route");
    }
}
