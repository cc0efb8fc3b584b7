//! Which Azure is asked, and which URLs may see its token.

use url::{Host, Url};

use super::{EnvVar, LiveError};

/// An Azure cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Cloud {
    /// The public cloud.
    #[default]
    Public,
    /// Azure US Government.
    #[value(name = "usgov")]
    UsGov,
    /// Azure in China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// Its name on the command line and in reports: `public`, `usgov`, `china`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::UsGov => "usgov",
            Self::China => "china",
        }
    }

    /// The host of its Azure Resource Manager. Regional hosts end with a dot and this name.
    fn host(self) -> &'static str {
        match self {
            Self::Public => "management.azure.com",
            Self::UsGov => "management.usgovcloudapi.net",
            Self::China => "management.chinacloudapi.cn",
        }
    }

    fn authority(self) -> &'static str {
        match self {
            Self::Public => "https://login.microsoftonline.com",
            Self::UsGov => "https://login.microsoftonline.us",
            Self::China => "https://login.chinacloudapi.cn",
        }
    }

    /// The cloud that the host belongs to.
    fn of_host(host: &str) -> Option<Self> {
        [Self::Public, Self::UsGov, Self::China].into_iter().find(|cloud| {
            let prefix = host.strip_suffix(cloud.host());
            prefix.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('.'))
        })
    }
}

/// Azure Resource Manager's address, and what a token for it is asked for and from.
#[derive(Clone, Debug)]
pub struct Endpoint {
    base: Url,
    cloud: Cloud,
    audience: String,
    authority: String,
}

impl Endpoint {
    /// The endpoint that the command line, else the environment, else the cloud names.
    ///
    /// An endpoint of a known cloud decides which cloud it is, whatever `cloud` says. The audience of an https
    /// endpoint that belongs to no known cloud is that endpoint itself, so that a token for Azure is never made for
    /// somebody else.
    ///
    /// # Errors
    ///
    /// The address is no URL, or plain http to a host that is not this machine.
    pub fn resolve(cloud: Cloud, flag: Option<&str>, env: EnvVar<'_>) -> Result<Self, LiveError> {
        let (text, origin) = match (flag, env("AZURE_RESOURCE_MANAGER_ENDPOINT")) {
            (Some(flag), _) => (flag.to_owned(), "--arm-endpoint"),
            (None, Some(variable)) => (variable, "AZURE_RESOURCE_MANAGER_ENDPOINT"),
            (None, None) => (format!("https://{}", cloud.host()), "--cloud"),
        };
        let refused = |problem: &str| LiveError::Endpoint { origin, url: text.clone(), problem: problem.to_owned() };
        let base = Url::parse(&text).map_err(|error| refused(&error.to_string()))?;
        match base.scheme() {
            "https" => {}
            "http" if is_loopback(&base) => {}
            "http" => return Err(refused("a token is sent over plain http to this machine only")),
            _ => return Err(refused("it is neither https nor http")),
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(refused("it holds a user name or a password"));
        }
        let family = base.host_str().and_then(Cloud::of_host);
        let cloud = family.unwrap_or(cloud);
        let audience = match env("AZURE_RESOURCE_MANAGER_AUDIENCE") {
            Some(audience) => audience,
            None if family.is_some() || is_loopback(&base) => format!("https://{}", cloud.host()),
            None => base.origin().ascii_serialization(),
        };
        let authority = match env("AZURE_AUTHORITY_HOST") {
            Some(host) if host.contains("://") => host,
            Some(host) => format!("https://{host}"),
            None => cloud.authority().to_owned(),
        };
        Ok(Self { base, cloud, audience, authority })
    }

    /// The cloud that it belongs to.
    pub fn cloud(&self) -> Cloud {
        self.cloud
    }

    /// The scope that a token is asked for: the audience with `/.default`.
    pub fn scope(&self) -> String {
        format!("{}/.default", self.audience)
    }

    /// Where tokens come from: `https://login.microsoftonline.com`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether it is this machine: then no proxy stands between.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }

    /// Its address as it was given.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The URL of a path below the endpoint. What the two hold is encoded where needed.
    pub fn url(&self, path: &str, query: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.set_query(Some(query));
        url
    }

    /// The URL that an answer points to (`nextLink`, `Location`), taken verbatim.
    ///
    /// # Errors
    ///
    /// It leads somewhere that the token was not made for; the text says where.
    pub fn follow(&self, from: &Url, link: &str) -> Result<Url, String> {
        let url = from.join(link.trim()).map_err(|error| format!("it is no URL ({error})"))?;
        if self.trusts(&url) {
            return Ok(url);
        }
        let origin = match url.host_str() {
            Some(_) => url.origin().ascii_serialization(),
            None => format!("{}:", url.scheme()),
        };
        Err(format!("it leads to {origin}, which is not {}", self.base.origin().ascii_serialization()))
    }

    /// Whether the token may be sent there: to the endpoint's own origin, and to regional hosts of the same cloud.
    pub fn trusts(&self, url: &Url) -> bool {
        if !url.username().is_empty() || url.password().is_some() {
            return false;
        }
        if url.origin() == self.base.origin() {
            return true;
        }
        let family = |url: &Url| url.host_str().and_then(Cloud::of_host);
        let ours = family(&self.base);
        ours.is_some() && family(url) == ours && url.scheme() == "https" && url.port().is_none()
    }
}

/// Whether that URL's host is this machine by its name alone.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(flag: Option<&str>, variables: &[(&str, &str)]) -> Result<Endpoint, LiveError> {
        let find = |name: &str| variables.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned());
        Endpoint::resolve(Cloud::Public, flag, &find)
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for url in ["http://127.0.0.1:8080", "http://127.9.9.9", "http://[::1]:8080", "http://localhost:1/arm"] {
            assert!(endpoint(Some(url), &[]).is_ok(), "{url}");
        }
        for url in [
            "http://management.azure.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://128.0.0.1",
            "http://[::2]",
            "ftp://127.0.0.1",
            "http://user:secret@127.0.0.1",
            "management.azure.com",
        ] {
            assert!(endpoint(Some(url), &[]).is_err(), "{url}");
        }
    }

    #[test]
    fn the_flag_wins_over_the_environment_and_that_over_the_cloud() {
        let variable = [("AZURE_RESOURCE_MANAGER_ENDPOINT", "https://arm.example.net")];
        assert_eq!(endpoint(None, &[]).unwrap().base().as_str(), "https://management.azure.com/");
        assert_eq!(endpoint(None, &variable).unwrap().base().as_str(), "https://arm.example.net/");
        assert_eq!(endpoint(Some("http://[::1]:9"), &variable).unwrap().base().as_str(), "http://[::1]:9/");
    }

    #[test]
    fn a_host_of_a_known_cloud_decides_audience_and_authority() {
        let it = endpoint(Some("https://usgovvirginia.management.usgovcloudapi.net"), &[]).unwrap();
        assert_eq!(it.cloud(), Cloud::UsGov);
        assert_eq!(it.scope(), "https://management.usgovcloudapi.net/.default");
        assert_eq!(it.authority(), "https://login.microsoftonline.us");
    }

    #[test]
    fn an_unknown_https_host_never_gets_a_token_made_for_azure() {
        let it = endpoint(Some("https://arm.example.net/x"), &[]).unwrap();
        assert_eq!(it.scope(), "https://arm.example.net/.default");
        let named = [("AZURE_RESOURCE_MANAGER_AUDIENCE", "https://management.core.windows.net/")];
        let it = endpoint(Some("https://arm.example.net/x"), &named).unwrap();
        assert_eq!(it.scope(), "https://management.core.windows.net//.default");
    }

    #[test]
    fn links_stay_with_the_endpoint_or_its_cloud() {
        let public = endpoint(None, &[]).unwrap();
        let from = public.url("/subscriptions", "api-version=1");
        for link in [
            "https://management.azure.com/x?a=b",
            "https://westeurope.management.azure.com/x",
            "https://MANAGEMENT.azure.com:443/x",
            "/x?$skiptoken=1",
        ] {
            assert!(public.follow(&from, link).is_ok(), "{link}");
        }
        for link in [
            "http://management.azure.com/x",
            "https://management.azure.com:8443/x",
            "https://evilmanagement.azure.com/x",
            "https://management.azure.com.example.com/x",
            "https://management.azure.com@example.com/x",
            "https://management.usgovcloudapi.net/x",
            "//example.com/x",
            "file:///etc/passwd",
        ] {
            assert!(public.follow(&from, link).is_err(), "{link}");
        }
        let local = endpoint(Some("http://127.0.0.1:8080"), &[]).unwrap();
        let from = local.url("/subscriptions", "api-version=1");
        assert!(local.follow(&from, "http://127.0.0.1:8080/next").is_ok());
        assert!(local.follow(&from, "http://127.0.0.1:8081/next").is_err());
    }

    #[test]
    fn a_base_path_is_kept_and_text_is_encoded() {
        let it = endpoint(Some("http://localhost:1/arm/"), &[]).unwrap();
        let url = it.url("/subscriptions/s/resourceGroups/a b?", "$filter=resourceType eq 'X'");
        assert_eq!(
            url.as_str(),
            "http://localhost:1/arm/subscriptions/s/resourceGroups/a%20b%3F?$filter=resourceType%20eq%20%27X%27"
        );
    }
}
