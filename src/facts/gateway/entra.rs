//! How a gateway asks its clients to sign in with Entra ID. Source of the values: "P2S VPN for Microsoft Entra ID
//! authentication" and its table of audiences (learn.microsoft.com, point-to-site-entra-gateway, February 2025).

use super::{Authentication, ClientProtocol};
use crate::facts::bicep;
use crate::facts::command::{Command, az};
use crate::facts::schema::{Known, Unread, fact_enum, facts};
use crate::inventory::ResourceId;

fact_enum! {
    /// An Azure cloud.
    pub enum Cloud {
        /// Azure.
        Public => "public",
        /// Azure Government.
        UsGov => "usgov",
        /// Azure operated by 21Vianet.
        China => "china",
        /// Azure Germany, closed in 2021.
        Germany => "germany",
    }
}

fact_enum! {
    /// Whose application the audience is.
    pub enum Audience {
        /// The one that Microsoft registered for all clouds.
        Microsoft => "microsoft",
        /// The Azure VPN client as registered by hand in this cloud.
        Registered => "registered",
        /// An application of the customer's own.
        Custom => "custom",
        /// The Azure VPN client of another cloud.
        OtherCloud => "otherCloud",
        /// No application id.
        Malformed => "malformed",
        /// There is none.
        Absent => "absent",
    }
}

facts! {
    /// How a gateway asks its clients to sign in with Entra ID.
    pub struct EntraSettings {
        /// Whether that is one of the ways for clients to prove who they are.
        pub used: Known<bool>,
        /// The cloud that it is judged for: the one named on the command line, else that of the tenant's login host,
        /// else public.
        pub cloud: Cloud,
        /// `aadTenant` as written, `https://login.microsoftonline.com/{tenant id}`; null: none.
        pub tenant: Known<Option<String>>,
        /// `aadAudience` as written, the id of an application; null: none.
        pub audience: Known<Option<String>>,
        /// Whose application that is.
        pub audience_of: Known<Audience>,
        /// `aadIssuer` as written, `https://sts.windows.net/{tenant id}/`; null: none.
        pub issuer: Known<Option<String>>,
        /// Whether nothing is wrong with them, and OpenVPN is enabled, the only protocol that knows Entra ID.
        pub sound: Known<bool>,
        /// What is wrong, each in words behind the gateway's name: `names no issuer`.
        pub faults: Vec<String>,
        /// The same in one line.
        pub fault_words: String,
        /// The tenant as it should be; `TENANT-ID` stands in it where the id does not follow from the other values.
        pub right_tenant: String,
        /// The audience as it should be, `APPLICATION-ID` where it does not follow.
        pub right_audience: String,
        /// The issuer as it should be, in the same way as the tenant.
        pub right_issuer: String,
        /// The protocols as Bicep writes them: OpenVPN, and IKEv2 where it is enabled. SSTP cannot stand beside OpenVPN.
        pub right_protocols: String,
        /// Where a template holds the three.
        pub path: String,
        /// Commands that set the right values where they follow from the others. None of them takes a protocol away.
        pub mend_commands: Vec<Command>,
    }
}

/// The application that Microsoft registered, for all clouds.
const MICROSOFT: &str = "c632b3df-fb67-4d84-bdcf-b95ad541b5c8";

/// The Azure VPN client as registered by hand, by cloud.
const REGISTERED: [(&str, Cloud); 4] = [
    ("41b23e61-6c1e-4545-b367-cd054e0ed4b4", Cloud::Public),
    ("51bb15d4-3a4f-4ebf-9dca-40096fe32426", Cloud::UsGov),
    ("49f817b6-84ae-4cc0-928c-73f27289b3aa", Cloud::China),
    ("538ee9e6-310a-468d-afef-ea97365856a9", Cloud::Germany),
];

/// Where users sign in, by cloud. China has two names for one host.
const LOGIN_HOSTS: [(&str, Cloud); 5] = [
    ("login.microsoftonline.com", Cloud::Public),
    ("login.microsoftonline.us", Cloud::UsGov),
    ("login.partner.microsoftonline.cn", Cloud::China),
    ("login.chinacloudapi.cn", Cloud::China),
    ("login.microsoftonline.de", Cloud::Germany),
];

const ISSUER_HOST: &str = "sts.windows.net";

/// What the input says.
#[derive(Clone, Copy, Default)]
pub(super) struct Written<'a> {
    pub(super) tenant: Option<&'a str>,
    pub(super) audience: Option<&'a str>,
    pub(super) issuer: Option<&'a str>,
}

impl<'a> Written<'a> {
    /// Blank counts as absent. White space around a value is part of it: no client gets past it.
    pub(super) fn new(
        tenant: &'a Option<Box<str>>,
        audience: &'a Option<Box<str>>,
        issuer: &'a Option<Box<str>>,
    ) -> Self {
        let [tenant, audience, issuer] =
            [tenant, audience, issuer].map(|it| it.as_deref().filter(|it| !it.trim().is_empty()));
        Self { tenant, audience, issuer }
    }
}

/// Where the settings stand.
#[derive(Clone, Copy)]
pub(super) enum Home<'a> {
    /// In the gateway of that id.
    Gateway(&'a ResourceId),
    /// In the Virtual WAN server configuration of that id.
    Server(&'a ResourceId),
    /// In one that was not read.
    Unread,
}

/// The facts of the gateway of that name.
pub(super) fn settings(
    name: &str,
    home: Home<'_>,
    authentication: &Known<Vec<Authentication>>,
    written: Known<Written<'_>>,
    protocols: &Known<Vec<ClientProtocol>>,
    cloud: Option<&str>,
) -> EntraSettings {
    let used = authentication.as_ref().map(|it| it.contains(&Authentication::Entra)).map_err(Clone::clone);
    let it = written.clone().unwrap_or_default();
    let cloud = cloud.and_then(named).or_else(|| host_cloud(parts(it.tenant?)?.0)).unwrap_or(Cloud::Public);
    let audience = audience_of(it.audience, cloud);
    let mut faults: Vec<String> = match &written {
        Ok(_) => [tenant_fault(it.tenant, cloud), audience_fault(it.audience, audience, cloud)]
            .into_iter()
            .flatten()
            .collect(),
        Err(_) => Vec::new(),
    };
    if written.is_ok() {
        faults.extend(issuer_faults(it, cloud));
    }
    let values_are_wrong = !faults.is_empty();
    let enabled = protocols.as_deref().unwrap_or_default();
    let lacks_open_vpn = !enabled.is_empty() && !enabled.contains(&ClientProtocol::OpenVpn);
    if lacks_open_vpn {
        faults.push("does not enable OpenVPN, the only protocol that knows Entra ID".to_owned());
    }
    let sound = match (&written, protocols) {
        _ if !faults.is_empty() => Ok(false),
        (Err(unread), _) | (_, Err(unread)) => Err(unread.clone()),
        (_, Ok(enabled)) if enabled.is_empty() => {
            let how = match home {
                Home::Gateway(_) => "add the gateway as a GET gives it, with `vpnClientProtocols`",
                _ => "add the VPN server configuration as a GET gives it, with `vpnProtocols`",
            };
            Err(Unread::new(format!("the tunnel protocols of `{name}`"), how))
        }
        _ => Ok(true),
    };
    let mut mend_commands = Vec::new();
    let right = right_values(it, audience, cloud);
    if values_are_wrong {
        mend_commands.extend(assign_command(home, &right));
    }
    // The option sets all protocols at once: only where IKEv2 alone is enabled is it certain to take none away.
    if let Home::Gateway(id) = home
        && lacks_open_vpn
        && enabled.iter().all(|it| *it == ClientProtocol::IkeV2)
    {
        let both = ["--name", id.name(), "--client-protocol", "IkeV2", "OpenVPN"];
        mend_commands.push(az("network vnet-gateway update", id, &both));
    }
    let as_written = |of: fn(Written<'_>) -> Option<&str>| written.clone().map(|it| of(it).map(str::to_owned));
    EntraSettings {
        used,
        cloud,
        tenant: as_written(|it| it.tenant),
        audience: as_written(|it| it.audience),
        issuer: as_written(|it| it.issuer),
        audience_of: written.clone().map(|_| audience),
        sound,
        right_tenant: right.tenant.unwrap_or_else(|| format!("https://{}/TENANT-ID", login_host(cloud))),
        right_audience: right.audience.unwrap_or_else(|| "APPLICATION-ID".to_owned()),
        right_issuer: right.issuer.unwrap_or_else(|| format!("https://{ISSUER_HOST}/TENANT-ID/")),
        right_protocols: bicep::strings(if enabled.contains(&ClientProtocol::IkeV2) {
            &["IkeV2", "OpenVPN"][..]
        } else {
            &["OpenVPN"]
        }),
        path: match home {
            Home::Gateway(_) => "properties.vpnClientConfiguration of Microsoft.Network/virtualNetworkGateways",
            Home::Server(_) | Home::Unread => {
                "properties.aadAuthenticationParameters of Microsoft.Network/vpnServerConfigurations"
            }
        }
        .to_owned(),
        fault_words: faults.join(", and it "),
        faults,
        mend_commands,
    }
}

/// The cloud of that name on the command line.
fn named(cloud: &str) -> Option<Cloud> {
    [Cloud::Public, Cloud::UsGov, Cloud::China].into_iter().find(|it| it.word().eq_ignore_ascii_case(cloud))
}

/// Host and path of an `https` address.
fn parts(address: &str) -> Option<(&str, &str)> {
    let scheme = address.get(..8)?;
    address[8..].split_once('/').filter(|_| scheme.eq_ignore_ascii_case("https://"))
}

fn is_guid(text: &str) -> bool {
    let dash = |i: usize| matches!(i, 8 | 13 | 18 | 23);
    text.len() == 36 && text.bytes().enumerate().all(|(i, b)| if dash(i) { b == b'-' } else { b.is_ascii_hexdigit() })
}

/// The first GUID that a text holds.
fn guid_in(text: &str) -> Option<&str> {
    (0..text.len()).filter_map(|from| text.get(from..from + 36)).find(|it| is_guid(it))
}

/// The tenant's id of a well-formed tenant. One slash may follow.
fn login(tenant: &str) -> Option<&str> {
    let (host, path) = parts(tenant)?;
    host_cloud(host)?;
    Some(path.strip_suffix('/').unwrap_or(path)).filter(|id| is_guid(id))
}

fn host_cloud(host: &str) -> Option<Cloud> {
    LOGIN_HOSTS.iter().find(|(it, _)| it.eq_ignore_ascii_case(host)).map(|(_, cloud)| *cloud)
}

fn login_host(cloud: Cloud) -> &'static str {
    LOGIN_HOSTS.iter().find(|(_, of)| *of == cloud).map_or("", |(host, _)| host)
}

fn tenant_fault(tenant: Option<&str>, cloud: Cloud) -> Option<String> {
    match tenant {
        None => Some("names no tenant".to_owned()),
        Some(it) if login(it).is_some() => None,
        Some(it) => {
            Some(format!("has the tenant {it}, which is not of the form https://{}/TENANT-ID", login_host(cloud)))
        }
    }
}

fn audience_of(audience: Option<&str>, cloud: Cloud) -> Audience {
    let Some(it) = audience else { return Audience::Absent };
    if it.eq_ignore_ascii_case(MICROSOFT) {
        return Audience::Microsoft;
    }
    match REGISTERED.iter().find(|(id, _)| id.eq_ignore_ascii_case(it)) {
        Some((_, of)) if *of == cloud => Audience::Registered,
        Some(_) => Audience::OtherCloud,
        None if is_guid(it) => Audience::Custom,
        None => Audience::Malformed,
    }
}

fn audience_fault(written: Option<&str>, audience: Audience, cloud: Cloud) -> Option<String> {
    let it = written.unwrap_or_default();
    match audience {
        Audience::Microsoft | Audience::Registered | Audience::Custom => None,
        Audience::Absent => Some("names no audience".to_owned()),
        Audience::Malformed => Some(format!("has the audience {it}, which is no application id")),
        Audience::OtherCloud => {
            let of = REGISTERED.iter().find(|(id, _)| id.eq_ignore_ascii_case(it)).map_or("", |(_, of)| of.word());
            Some(format!(
                "has the audience {it}, which is the Azure VPN client of the {of} cloud, not of {}",
                cloud.word()
            ))
        }
    }
}

/// The tenant's id of an issuer, and whether the slash at its end is there. Tokens of China name a host of their own.
fn issuer_parts(issuer: &str, cloud: Cloud) -> Option<(&str, bool)> {
    let (host, path) = parts(issuer)?;
    let right = host.eq_ignore_ascii_case(ISSUER_HOST)
        || (cloud == Cloud::China && host.eq_ignore_ascii_case("sts.chinacloudapi.cn"));
    let id = path.strip_suffix('/').unwrap_or(path);
    (right && is_guid(id)).then_some((id, path != id))
}

fn issuer_faults(it: Written<'_>, cloud: Cloud) -> Vec<String> {
    let Some(issuer) = it.issuer else { return vec!["names no issuer".to_owned()] };
    let Some((id, slash)) = issuer_parts(issuer, cloud) else {
        return vec![format!("has the issuer {issuer}, which is not of the form https://{ISSUER_HOST}/TENANT-ID/")];
    };
    let mut faults = Vec::new();
    if !slash {
        faults.push(format!("has the issuer {issuer}, which lacks the slash at its end"));
    }
    let tenant = it.tenant.and_then(login);
    if let Some(tenant) = tenant.filter(|tenant| !tenant.eq_ignore_ascii_case(id)) {
        faults.push(format!("has an issuer of the tenant {id}, but users sign in to the tenant {tenant}"));
    }
    faults
}

/// Tenant, audience and issuer as they should be, where each stands there or follows from the others.
struct Right {
    tenant: Option<String>,
    audience: Option<String>,
    issuer: Option<String>,
}

fn right_values(it: Written<'_>, audience: Audience, cloud: Cloud) -> Right {
    let ids = [it.tenant, it.issuer].map(|it| it.and_then(guid_in));
    let guid = match ids {
        [Some(one), Some(other)] => Some(one).filter(|_| one.eq_ignore_ascii_case(other)),
        [one, other] => one.or(other),
    };
    let tenant = it.tenant.filter(|it| login(it).is_some()).map(str::to_owned);
    let issuer = it.issuer.filter(|it| issuer_parts(it, cloud).is_some_and(|(_, slash)| slash)).map(str::to_owned);
    // Which of two hosts a token of China names is not certain.
    let made = guid.filter(|_| cloud != Cloud::China).map(|guid| format!("https://{ISSUER_HOST}/{guid}/"));
    let audience = match audience {
        Audience::Microsoft | Audience::Registered | Audience::Custom => it.audience,
        Audience::Absent => Some(MICROSOFT),
        Audience::OtherCloud => REGISTERED.iter().find(|(_, of)| *of == cloud).map(|(id, _)| *id),
        Audience::Malformed => None,
    };
    // Of two tenants nobody knows which is meant.
    Right {
        tenant: guid.and_then(|guid| tenant.or_else(|| Some(format!("https://{}/{guid}", login_host(cloud))))),
        issuer: guid.and_then(|_| issuer.or(made)),
        audience: audience.map(str::to_owned),
    }
}

/// Writes them; of a server configuration these alone, and not the whole anew.
fn assign_command(home: Home<'_>, right: &Right) -> Option<Command> {
    let (tenant, audience, issuer) = (right.tenant.as_ref()?, right.audience.as_ref()?, right.issuer.as_ref()?);
    match home {
        Home::Gateway(id) => {
            let values = ["--gateway-name", id.name(), "--tenant", tenant, "--audience", audience, "--issuer", issuer];
            Some(az("network vnet-gateway aad assign", id, &values))
        }
        Home::Server(id) => {
            let values = [("aadTenant", tenant), ("aadAudience", audience), ("aadIssuer", issuer)];
            let set = values.map(|(name, value)| format!("properties.aadAuthenticationParameters.{name}={value}"));
            let words = ["az", "resource", "update", "--ids", id.as_str(), "--set"].map(str::to_owned);
            Some(Command::new(words.iter().chain(&set)))
        }
        Home::Unread => None,
    }
}
