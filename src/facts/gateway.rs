//! Facts about gateways: VPN and ExpressRoute gateways, and the point-to-site gateways of Virtual WAN hubs.

mod addresses;
mod addressing;
mod certificates;
mod ends;
mod entra;
mod platform;
mod point_to_site;
mod pool;
mod radius;
mod ranges;
mod remedy;
mod return_path;
mod server_rules;
mod servers;
mod setup;
mod site;
mod steering;
mod surroundings;
#[cfg(test)]
mod tests;
mod zones;

use std::collections::BTreeMap;

use rayon::prelude::*;
use time::Date;

use super::command::Command;
use super::schema::{Known, RecordType, Unread, fact_enum, facts};
use super::sessions::{self, Limits, Readings, Sessions, Side};
use super::sku::{self, Sku};
use super::{Context, Identity, Subject, SubjectKind};
use crate::inventory::gateway::{Metric, P2sVpnGateway, SessionAnswer, VirtualNetworkGateway};
use crate::inventory::network::target;
use crate::inventory::{Inventory, Resource, ResourceId};
use addressing::{Addressing, Load, Neighbourhood};
use certificates::{CertificateLists, certificates_of_network, certificates_of_virtual_wan};
use entra::Home;
pub use entra::{Audience, Cloud, EntraSettings};
pub use platform::{Platform, ProvisioningState};
use point_to_site::{p2s_of_network, p2s_of_virtual_wan, server_configuration};
pub use radius::RadiusSetup;
use remedy::{more_scale_units, relief, route_based_commands};
pub use setup::ClientSetup;
pub use site::{SiteConnection, SiteConnections};

fact_enum! {
    /// What sort of gateway it is: `gatewayType`, compared without letter case, or Virtual WAN by its resource type.
    /// Of a word that Azure did not document when this was written nobody knows what it serves: unread.
    pub enum GatewaySort {
        /// `Vpn`.
        Vpn => "vpn",
        /// `ExpressRoute`.
        ExpressRoute => "expressRoute",
        /// `LocalGateway`: it serves nobody.
        LocalGateway => "localGateway",
        /// `Microsoft.Network/p2sVpnGateways`.
        VirtualWan => "virtualWan",
    }
}

fact_enum! {
    /// `vpnType`, compared without letter case. Other words are unread.
    pub enum VpnType {
        /// `RouteBased`: the only one that serves point-to-site clients.
        RouteBased => "routeBased",
        /// `PolicyBased`.
        PolicyBased => "policyBased",
    }
}

fact_enum! {
    /// A tunnel protocol of point-to-site clients.
    pub enum ClientProtocol {
        /// `SSTP`.
        Sstp => "sstp",
        /// `IkeV2`.
        IkeV2 => "ikeV2",
        /// `OpenVPN`.
        OpenVpn => "openVpn",
        /// A word that Azure did not document when this was written.
        Other => "other",
    }
}

fact_enum! {
    /// How point-to-site clients prove who they are.
    pub enum Authentication {
        /// `Certificate`.
        Certificate => "certificate",
        /// `Radius`.
        Radius => "radius",
        /// `AAD`: Entra ID.
        Entra => "entra",
        /// A word that Azure did not document when this was written.
        Other => "other",
    }
}

facts! {
    /// A gateway.
    pub struct Gateway {
        /// Its name.
        pub name: String,
        /// Its resource group.
        pub resource_group: String,
        /// The id of its subscription.
        pub subscription: String,
        /// Its region, as written; null where the input does not say.
        pub location: Option<String>,
        /// What sort of gateway it is.
        pub sort: Known<GatewaySort>,
        /// Whether it routes by routes or by policies. Virtual WAN gateways always route by routes. Unread beside a
        /// gateway type that is not known.
        pub vpn_type: Known<VpnType>,
        /// Type and VPN type in words, as the input spells them: `type Vpn, VPN type PolicyBased`.
        pub type_words: String,
        /// The SKU's name as written. Unread on Virtual WAN, which has none.
        pub sku: Known<String>,
        /// `Generation1`, `Generation2`, `None`; null where the input does not say.
        pub generation: Option<String>,
        /// The first day on which the SKU counts as retired, `2026-10-01`; null: no end is announced.
        pub sku_retired_on: Known<Option<String>>,
        /// Whether that day has come.
        pub sku_retired: Known<bool>,
        /// Scale units of a Virtual WAN gateway; null on all others.
        pub scale_unit: Option<i64>,
        /// `Succeeded`, `Updating`, `Deleting`, `Failed`, as written.
        pub provisioning_state: Known<String>,
        /// Whether two instances carry traffic; absent means no.
        pub active_active: bool,
        /// The virtual network of its subnet; null where it names none.
        pub virtual_network: Option<String>,
        /// Its point-to-site configuration.
        pub p2s: PointToSite,
        /// How many sessions it carries.
        pub limits: SessionLimits,
        /// How many sessions it has.
        pub sessions: Sessions,
        /// Commands that create a route-based VPN gateway in its place or beside it. None of them takes anything away.
        pub route_based_commands: Vec<Command>,
        /// Commands that make room for more sessions. None of them takes a protocol away.
        pub relief_commands: Vec<Command>,
        /// The property that they set and its place in a template, in words; empty without them.
        pub relief_line: String,
        /// Its lists of root and of revoked certificates.
        pub certificates: CertificateLists,
        /// What Azure provides of it: state, instances, public addresses, zones.
        pub platform: Platform,
        /// How far point-to-site is set up.
        pub setup: ClientSetup,
        /// The addresses of its clients, and of the servers that they need.
        pub addressing: Addressing,
        /// Its connections.
        pub connections: SiteConnections,
        /// Whether it can ask a RADIUS server.
        pub radius_setup: RadiusSetup,
        /// Its sign-in with Entra ID.
        pub entra: EntraSettings,
    }

    /// The point-to-site configuration of a gateway.
    pub struct PointToSite {
        /// Whether it is on: it is with an address pool (its own, or one for a group of users), and not before.
        /// A LocalGateway serves nobody.
        pub enabled: bool,
        /// Whether clients are served: it is on, and the gateway is no ExpressRoute gateway, which cannot serve them.
        /// Only VPN gateways have pools, so one whose type is not known counts as one.
        pub served: bool,
        /// The address pools as written.
        pub pools: Vec<String>,
        /// The tunnel protocols; empty where the input names none. On Virtual WAN the server configuration's.
        pub protocols: Known<Vec<ClientProtocol>>,
        /// How clients prove who they are: as stated, or where nothing is stated (older API versions) as the root
        /// certificates, the RADIUS server and the Entra tenant tell. Empty: nothing tells.
        pub authentication: Known<Vec<Authentication>>,
        /// Whether the input states how clients prove who they are.
        pub authentication_stated: Known<bool>,
        /// Whether certificates are one of the ways.
        pub uses_certificates: Known<bool>,
        /// How many root certificates there are.
        pub root_certificates: Known<i64>,
        /// Where the authentication stands: the gateway's name, or that of its Virtual WAN server configuration.
        pub configured_in: String,
        /// The same in words: `it`, `its server configuration staff`.
        pub configured_in_words: String,
        /// Where a template holds the authentication and the protocols.
        pub path: String,
        /// Commands that upload a root certificate; none where the server configuration of Virtual WAN was not read.
        pub add_root_commands: Vec<Command>,
    }

    /// How many sessions a gateway carries.
    pub struct SessionLimits {
        /// SSTP sessions; null on Virtual WAN, which has no SSTP.
        pub sstp: Known<Option<i64>>,
        /// IKEv2 and OpenVPN sessions together, beside the SSTP ones; on Virtual WAN all sessions. Unread where Azure
        /// publishes no number.
        pub ikev2_open_vpn: Known<i64>,
    }
}

/// The names that expressions about this kind start with.
pub fn roots() -> Vec<(&'static str, &'static RecordType)> {
    vec![("gateway", Gateway::describe())]
}

/// Calls `visit` for each subject, from several threads.
pub fn each(context: Context<'_>, visit: &(dyn Fn(&Subject<'_>) + Sync)) {
    let Context { inventory, options } = context;
    let readings = Saved::of(context);
    let today = options.now.to_offset(time::UtcOffset::UTC).date();
    inventory.gateways.rows().par_iter().for_each(|it| show(it, &of_network(it, &readings, inventory, today), visit));
    inventory
        .p2s_vpn_gateways
        .rows()
        .par_iter()
        .for_each(|it| show(it, &of_virtual_wan(it, &readings, inventory, today), visit));
}

fn show<P>(resource: &Resource<P>, gateway: &Gateway, visit: &(dyn Fn(&Subject<'_>) + Sync)) {
    let identity = Identity {
        kind: SubjectKind::Gateway,
        id: resource.id.clone(),
        name: gateway.name.clone(),
        element: None,
        location: gateway.location.clone(),
    };
    visit(&Subject { identity, roots: vec![gateway] });
}

/// Session answers and metrics by their gateway, and what lies around it.
struct Saved<'a> {
    answers: BTreeMap<&'a ResourceId, Vec<&'a SessionAnswer>>,
    metrics: BTreeMap<&'a ResourceId, Vec<&'a Metric>>,
    neighbourhood: Neighbourhood<'a>,
    sites: site::Sites<'a>,
    cloud: Option<&'a str>,
}

impl<'a> Saved<'a> {
    fn of(Context { inventory, options }: Context<'a>) -> Self {
        let mut saved = Self {
            answers: BTreeMap::new(),
            metrics: BTreeMap::new(),
            neighbourhood: Neighbourhood::new(inventory, &options.service_tags),
            sites: site::Sites::of(inventory),
            cloud: options.cloud.as_deref(),
        };
        for (gateway, answer) in &inventory.sessions {
            saved.answers.entry(gateway).or_default().push(answer);
        }
        for (resource, metric) in &inventory.metrics {
            saved.metrics.entry(resource).or_default().push(metric);
        }
        saved
    }

    fn sessions(&self, id: &ResourceId, state: Option<&str>, health: Option<i64>, limits: &Limits) -> Sessions {
        let answers = self.answers.get(id).map_or(&[][..], Vec::as_slice);
        let metrics = self.metrics.get(id).map_or(&[][..], Vec::as_slice);
        sessions::judge(Readings { gateway: id.name(), state, health, answers, metrics }, limits)
    }
}

fn of_network(
    resource: &Resource<VirtualNetworkGateway>,
    saved: &Saved<'_>,
    inventory: &Inventory,
    today: Date,
) -> Gateway {
    let it = &resource.properties;
    let name: &str = &resource.name;
    let (type_text, vpn_text) = (text(&it.gateway_type), text(&it.vpn_type));
    let sort = word_of(type_text, &SORTS, "gateway type", name);
    let vpn_type = match (&sort, type_text) {
        (Err(unread), Some(_)) => Err(unread.clone()),
        _ => word_of(vpn_text, &VPN_TYPES, "VPN type", name),
    };
    let sku_name = it.sku.as_ref().or(resource.sku.as_ref()).and_then(|sku| text(&sku.name));
    let sku = sku_name.map(str::to_owned).ok_or_else(|| Unread::new(format!("the SKU of `{name}`"), HOW));
    let row = sku.clone().and_then(|sku| {
        let what = format!("what the SKU `{sku}` of `{name}` is (azaudit does not know it)");
        sku::find(&sku).ok_or_else(|| Unread::new(what, "correct the SKU's name, or update azaudit"))
    });
    let configuration = it.vpn_client_configuration.as_ref();
    let p2s = p2s_of_network(resource, configuration, &sort);
    let protocols = p2s.protocols.as_deref().unwrap_or_default();
    let limits = limits_of_sku(&row, sku.is_ok(), protocols);
    let health = configuration.and_then(|it| it.vpn_client_connection_health.as_ref());
    let health = health.and_then(|it| it.vpn_client_connections_count);
    let sessions = saved.sessions(&resource.id, text(&it.provisioning_state), health, &limits);
    let mut subnets = it.ip_configurations.iter().filter_map(|it| target(&it.properties.subnet));
    let network = subnets.find_map(ResourceId::parent);
    let generation = text(&it.vpn_gateway_generation);
    let session_limits = SessionLimits::from(&limits);
    let load = Load { p2s: &p2s, sessions: &sessions, limits: &session_limits };
    let route_based_commands = route_based_commands(resource, network.as_ref());
    let radius = configuration.map(|it| radius::servers(&it.radius_server_address, &it.radius_servers));
    let on_basic = sku.as_ref().map(|it| it.eq_ignore_ascii_case("Basic")).map_err(Clone::clone);
    let radius_setup =
        radius::setup(&p2s.authentication, Ok(radius.unwrap_or_default()), on_basic, &route_based_commands);
    let entra = configuration.map(|it| entra::Written::new(&it.aad_tenant, &it.aad_audience, &it.aad_issuer));
    let entra = Ok(entra.unwrap_or_default());
    let entra =
        entra::settings(name, Home::Gateway(&resource.id), &p2s.authentication, entra, &p2s.protocols, saved.cloud);
    let relief = relief(resource, &sessions, sku_name, generation, protocols);
    Gateway {
        addressing: saved.neighbourhood.of_network(resource, load),
        name: name.to_owned(),
        resource_group: resource.id.resource_group().to_owned(),
        subscription: resource.id.subscription().to_owned(),
        location: text(&resource.location).map(str::to_owned),
        type_words: format!(
            "type {}, VPN type {}",
            type_text.unwrap_or("not stated"),
            vpn_text.unwrap_or("not stated")
        ),
        connections: saved.sites.facts(resource, sort != Ok(GatewaySort::LocalGateway), inventory),
        radius_setup,
        entra,
        route_based_commands,
        relief_commands: relief.commands,
        relief_line: relief.line,
        platform: platform::of_network(resource, inventory, &sort, &p2s, sku_name),
        setup: setup::of_network(resource, &p2s, today),
        sort,
        vpn_type,
        generation: generation.map(str::to_owned),
        sku_retired_on: row.clone().map(|row| row.retired.map(|day| day.to_string())),
        sku_retired: row.map(|row| row.retired.is_some_and(|day| today >= day)),
        sku,
        scale_unit: None,
        provisioning_state: state(&it.provisioning_state, name),
        active_active: it.active_active.unwrap_or(false),
        virtual_network: network.map(|network| network.name().to_owned()),
        p2s,
        limits: session_limits,
        sessions,
        certificates: certificates_of_network(resource),
    }
}

fn of_virtual_wan(
    resource: &Resource<P2sVpnGateway>,
    saved: &Saved<'_>,
    inventory: &Inventory,
    today: Date,
) -> Gateway {
    let it = &resource.properties;
    let name: &str = &resource.name;
    let limit = match it.vpn_gateway_scale_unit {
        None => Err(Unread::new(format!("the scale units of `{name}`"), HOW)),
        Some(units) => sku::virtual_wan_sessions(units).ok_or_else(|| {
            let what = format!("the session limit of `{name}` at scale unit {units} (Azure publishes none)");
            Unread::new(what, "compare the sessions with what the portal shows for the hub")
        }),
    };
    let limits = Limits::together(limit);
    let health = it.vpn_client_connection_health.as_ref().and_then(|it| it.vpn_client_connections_count);
    let sessions = saved.sessions(&resource.id, text(&it.provisioning_state), health, &limits);
    let no_sku = || Unread::new(format!("the SKU of `{name}` (Virtual WAN has scale units instead)"), HOW);
    let p2s = p2s_of_virtual_wan(resource, inventory);
    let server = server_configuration(resource, inventory);
    let home = server.as_ref().map_or(Home::Unread, |it| Home::Server(&it.id));
    let server = server.map(|it| &it.properties);
    let radius = server.clone().map(|it| radius::servers(&it.radius_server_address, &it.radius_servers));
    let entra = server.map(|it| {
        let it = it.aad_authentication_parameters.as_ref();
        it.map(|it| entra::Written::new(&it.aad_tenant, &it.aad_audience, &it.aad_issuer)).unwrap_or_default()
    });
    let relief = more_scale_units(&resource.id, it.vpn_gateway_scale_unit);
    let session_limits = SessionLimits::from(&limits);
    let load = Load { p2s: &p2s, sessions: &sessions, limits: &session_limits };
    Gateway {
        addressing: saved.neighbourhood.of_virtual_wan(resource, load),
        name: name.to_owned(),
        resource_group: resource.id.resource_group().to_owned(),
        subscription: resource.id.subscription().to_owned(),
        location: text(&resource.location).map(str::to_owned),
        platform: platform::of_virtual_wan(resource),
        setup: setup::of_virtual_wan(resource, inventory, &p2s, today),
        sort: Ok(GatewaySort::VirtualWan),
        vpn_type: Ok(VpnType::RouteBased),
        type_words: "the point-to-site gateway of a Virtual WAN hub".to_owned(),
        sku: Err(no_sku()),
        generation: None,
        sku_retired_on: Err(no_sku()),
        sku_retired: Err(no_sku()),
        scale_unit: it.vpn_gateway_scale_unit,
        provisioning_state: state(&it.provisioning_state, name),
        // A hub's gateway always has two instances.
        active_active: true,
        virtual_network: None,
        connections: site::elsewhere(),
        radius_setup: radius::setup(&p2s.authentication, radius, Ok(false), &[]),
        entra: entra::settings(name, home, &p2s.authentication, entra, &p2s.protocols, saved.cloud),
        p2s,
        limits: session_limits,
        sessions,
        route_based_commands: Vec::new(),
        relief_commands: relief.commands,
        relief_line: relief.line,
        certificates: certificates_of_virtual_wan(resource, inventory),
    }
}

/// How to get a field that the input lacks.
const HOW: &str = "add the gateway as a GET gives it";

/// The text, without white space around it; blank counts as absent.
fn text(field: &Option<Box<str>>) -> Option<&str> {
    field.as_deref().map(str::trim).filter(|it| !it.is_empty())
}

fn state(field: &Option<Box<str>>, name: &str) -> Known<String> {
    text(field).map(str::to_owned).ok_or_else(|| Unread::new(format!("the provisioning state of `{name}`"), HOW))
}

/// What each word means, compared without letter case.
type Words<T> = [(&'static str, T)];

const SORTS: [(&str, GatewaySort); 3] = [
    ("Vpn", GatewaySort::Vpn),
    ("ExpressRoute", GatewaySort::ExpressRoute),
    ("LocalGateway", GatewaySort::LocalGateway),
];

const VPN_TYPES: [(&str, VpnType); 2] = [("RouteBased", VpnType::RouteBased), ("PolicyBased", VpnType::PolicyBased)];

fn find_word<T: Copy>(word: &str, words: &Words<T>) -> Option<T> {
    words.iter().find(|(it, _)| it.eq_ignore_ascii_case(word.trim())).map(|(_, value)| *value)
}

fn one_of<T: Copy>(word: &str, words: &Words<T>, other: T) -> T {
    find_word(word, words).unwrap_or(other)
}

/// What a field's word means; unread where it is absent or not known.
fn word_of<T: Copy>(word: Option<&str>, words: &Words<T>, field: &str, gateway: &str) -> Known<T> {
    let Some(word) = word else { return Err(Unread::new(format!("the {field} of `{gateway}`"), HOW)) };
    find_word(word, words).ok_or_else(|| {
        let what = format!("what the {field} `{word}` of `{gateway}` means (azaudit does not know it)");
        Unread::new(what, "correct it, or update azaudit")
    })
}

/// The limits that count, for the protocols that are enabled; none named: sessions may be of any. A gateway whose SKU
/// the input does not say carries as many SSTP sessions as every other one.
fn limits_of_sku(sku: &Known<&'static Sku>, stated: bool, protocols: &[ClientProtocol]) -> Limits {
    let any = protocols.is_empty();
    let limit = |kind: &str, of: fn(&Sku) -> Option<u32>| match sku {
        Ok(sku) => of(sku).ok_or_else(|| {
            let what = format!("the {kind} session limit of the SKU {} (Azure publishes none)", sku.name);
            Unread::new(what, "move to a SKU with a published limit, VpnGw1AZ or larger")
        }),
        Err(unread) => Err(unread.clone()),
    };
    let sstp = any || protocols.contains(&ClientProtocol::Sstp);
    let other = any || protocols.iter().any(|it| *it != ClientProtocol::Sstp);
    let of_every_sku = Some(sku::SSTP_SESSIONS).filter(|_| !stated);
    Limits::by_protocol(
        Side { enabled: sstp, limit: of_every_sku.map_or_else(|| limit("SSTP", |sku| sku.sstp), Ok) },
        Side { enabled: other, limit: limit("IKEv2/OpenVPN", |sku| sku.ikev2_open_vpn) },
    )
}

impl From<&Limits> for SessionLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            sstp: limits.sstp().cloned().transpose().map(|limit| limit.map(Into::into)),
            ikev2_open_vpn: limits.other().clone().map(Into::into),
        }
    }
}
