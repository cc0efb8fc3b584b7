//! Facts about gateways: VPN and ExpressRoute gateways, and the point-to-site gateways of Virtual WAN hubs.

use std::collections::BTreeMap;

use rayon::prelude::*;
use time::Date;

use super::command::Command;
use super::schema::{Known, RecordType, Unread, fact_enum, facts};
use super::sessions::{self, LimitKind, Limits, Readings, Sessions, Side};
use super::sku::{self, Sku};
use super::{Context, Identity, Subject, SubjectKind};
use crate::inventory::gateway::{
    Metric, P2sVpnGateway, SessionAnswer, VirtualNetworkGateway, VpnClientConfiguration, VpnServerConfiguration,
};
use crate::inventory::network::target;
use crate::inventory::{Inventory, Resource, ResourceId};

fact_enum! {
    /// What sort of gateway it is: `gatewayType`, compared without letter case, or Virtual WAN by its resource type.
    pub enum GatewaySort {
        /// `Vpn`.
        Vpn => "vpn",
        /// `ExpressRoute`.
        ExpressRoute => "expressRoute",
        /// `LocalGateway`, of extended zones: it serves nobody.
        LocalGateway => "localGateway",
        /// `Microsoft.Network/p2sVpnGateways`.
        VirtualWan => "virtualWan",
        /// A word that Azure did not document when this was written.
        Other => "other",
    }
}

fact_enum! {
    /// `vpnType`, compared without letter case.
    pub enum VpnType {
        /// `RouteBased`: the only one that serves point-to-site clients.
        RouteBased => "routeBased",
        /// `PolicyBased`.
        PolicyBased => "policyBased",
        /// A word that Azure did not document when this was written.
        Other => "other",
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
        /// Whether it routes by routes or by policies. Virtual WAN gateways always route by routes.
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
        /// Commands that put a route-based VPN gateway in its place or beside it.
        pub route_based_commands: Vec<Command>,
        /// Commands that make room for more sessions.
        pub relief_commands: Vec<Command>,
    }

    /// The point-to-site configuration of a gateway.
    pub struct PointToSite {
        /// Whether it is on: it is with an address pool (its own, or one for a group of users), and not before.
        /// A LocalGateway serves nobody.
        pub enabled: bool,
        /// Whether clients are served: it is on, and the gateway is no ExpressRoute gateway, which cannot serve them.
        pub served: Known<bool>,
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
        /// Commands that upload a root certificate.
        pub add_root_commands: Vec<Command>,
    }

    /// How many sessions a gateway carries.
    pub struct SessionLimits {
        /// SSTP sessions; null on Virtual WAN, which has no SSTP.
        pub sstp: Known<Option<i64>>,
        /// IKEv2 and OpenVPN sessions together, beside the SSTP ones. Unread where Azure publishes no number.
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
    let readings = Saved::of(inventory);
    let today = options.now.to_offset(time::UtcOffset::UTC).date();
    inventory.gateways.rows().par_iter().for_each(|it| show(it, &of_network(it, &readings, today), visit));
    inventory
        .p2s_vpn_gateways
        .rows()
        .par_iter()
        .for_each(|it| show(it, &of_virtual_wan(it, &readings, inventory), visit));
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

/// Session answers and metrics by their gateway.
#[derive(Default)]
struct Saved<'a> {
    answers: BTreeMap<&'a ResourceId, Vec<&'a SessionAnswer>>,
    metrics: BTreeMap<&'a ResourceId, Vec<&'a Metric>>,
}

impl<'a> Saved<'a> {
    fn of(inventory: &'a Inventory) -> Self {
        let mut saved = Self::default();
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

fn of_network(resource: &Resource<VirtualNetworkGateway>, saved: &Saved<'_>, today: Date) -> Gateway {
    let it = &resource.properties;
    let name: &str = &resource.name;
    let absent = |what: &str| Unread::new(format!("{what} of `{name}`"), HOW);
    let (type_text, vpn_text) = (text(&it.gateway_type), text(&it.vpn_type));
    let sort = type_text.map(sort_of).ok_or_else(|| absent("the gateway type"));
    let vpn_type = vpn_text.map(vpn_type_of).ok_or_else(|| absent("the VPN type"));
    let sku_name = it.sku.as_ref().or(resource.sku.as_ref()).and_then(|sku| text(&sku.name));
    let sku = sku_name.map(str::to_owned).ok_or_else(|| absent("the SKU"));
    let row = sku.clone().and_then(|sku| {
        let what = format!("what the SKU `{sku}` of `{name}` carries, which azaudit does not know");
        sku::find(&sku).ok_or_else(|| Unread::new(what, "correct the SKU's name, or update azaudit"))
    });
    let configuration = it.vpn_client_configuration.as_ref();
    let p2s = p2s_of_network(resource, configuration, &sort, sku_name);
    let limits = limits_of_sku(&row, p2s.protocols.as_deref().unwrap_or_default());
    let health = configuration.and_then(|it| it.vpn_client_connection_health.as_ref());
    let health = health.and_then(|it| it.vpn_client_connections_count);
    let sessions = saved.sessions(&resource.id, text(&it.provisioning_state), health, &limits);
    let mut subnets = it.ip_configurations.iter().filter_map(|it| target(&it.properties.subnet));
    let network = subnets.find_map(ResourceId::parent);
    let generation = text(&it.vpn_gateway_generation);
    Gateway {
        name: name.to_owned(),
        resource_group: resource.id.resource_group().to_owned(),
        subscription: resource.id.subscription().to_owned(),
        location: text(&resource.location).map(str::to_owned),
        type_words: format!(
            "type {}, VPN type {}",
            type_text.unwrap_or("not stated"),
            vpn_text.unwrap_or("not stated")
        ),
        route_based_commands: route_based_commands(resource, &sort, network.as_ref()),
        relief_commands: relief_commands(resource, &sessions, sku_name, generation),
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
        limits: SessionLimits::from(&limits),
        sessions,
    }
}

fn of_virtual_wan(resource: &Resource<P2sVpnGateway>, saved: &Saved<'_>, inventory: &Inventory) -> Gateway {
    let it = &resource.properties;
    let name: &str = &resource.name;
    let limit = match it.vpn_gateway_scale_unit {
        None => Err(Unread::new(format!("the scale units of `{name}`"), HOW)),
        Some(units) => sku::virtual_wan_sessions(units).ok_or_else(|| {
            let what = format!("the session limit of {units} scale units (`{name}`), which Azure does not publish");
            Unread::new(what, "compare the sessions with what the portal shows for the hub")
        }),
    };
    let limits = Limits::Together(limit);
    let health = it.vpn_client_connection_health.as_ref().and_then(|it| it.vpn_client_connections_count);
    let sessions = saved.sessions(&resource.id, text(&it.provisioning_state), health, &limits);
    let no_sku = || Unread::new(format!("the SKU of `{name}`: Virtual WAN gateways have scale units instead"), HOW);
    // 200 scale units are the most that there are.
    let units = it.vpn_gateway_scale_unit.filter(|units| (1..200).contains(units)).map(|units| (units * 2).min(200));
    let relief_commands = units.map(|units| {
        az("network p2s-vpn-gateway update", &resource.id, &["--name", name, "--scale-unit", &units.to_string()])
    });
    Gateway {
        name: name.to_owned(),
        resource_group: resource.id.resource_group().to_owned(),
        subscription: resource.id.subscription().to_owned(),
        location: text(&resource.location).map(str::to_owned),
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
        p2s: p2s_of_virtual_wan(resource, inventory),
        limits: SessionLimits::from(&limits),
        sessions,
        route_based_commands: Vec::new(),
        relief_commands: relief_commands.into_iter().collect(),
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

fn one_of<T: Copy>(word: &str, known: &[(&str, T)], other: T) -> T {
    known.iter().find(|(it, _)| it.eq_ignore_ascii_case(word.trim())).map_or(other, |(_, value)| *value)
}

fn sort_of(word: &str) -> GatewaySort {
    use GatewaySort::{ExpressRoute, LocalGateway, Other, Vpn};
    one_of(word, &[("Vpn", Vpn), ("ExpressRoute", ExpressRoute), ("LocalGateway", LocalGateway)], Other)
}

fn vpn_type_of(word: &str) -> VpnType {
    one_of(word, &[("RouteBased", VpnType::RouteBased), ("PolicyBased", VpnType::PolicyBased)], VpnType::Other)
}

fn protocols(words: &[Box<str>]) -> Vec<ClientProtocol> {
    use ClientProtocol::{IkeV2, OpenVpn, Other, Sstp};
    let known = [("SSTP", Sstp), ("IkeV2", IkeV2), ("OpenVPN", OpenVpn)];
    words.iter().filter(|it| !it.trim().is_empty()).map(|it| one_of(it, &known, Other)).collect()
}

/// What tells how clients prove who they are.
struct Signs<'a> {
    stated: &'a [Box<str>],
    roots: usize,
    radius: bool,
    entra: bool,
}

impl Signs<'_> {
    fn are_stated(&self) -> bool {
        self.stated.iter().any(|it| !it.trim().is_empty())
    }

    fn authentication(&self) -> Vec<Authentication> {
        use Authentication::{Certificate, Entra, Other, Radius};
        let stated = self.stated.iter().filter(|it| !it.trim().is_empty());
        if self.are_stated() {
            let known = [("Certificate", Certificate), ("Radius", Radius), ("AAD", Entra)];
            return stated.map(|it| one_of(it, &known, Other)).collect();
        }
        let signs = [(self.roots > 0, Certificate), (self.radius, Radius), (self.entra, Entra)];
        signs.into_iter().filter(|(there, _)| *there).map(|(_, way)| way).collect()
    }
}

fn p2s_of_network(
    resource: &Resource<VirtualNetworkGateway>,
    configuration: Option<&VpnClientConfiguration>,
    sort: &Known<GatewaySort>,
    sku: Option<&str>,
) -> PointToSite {
    let (name, id): (&str, _) = (&resource.name, &resource.id);
    let pools: Vec<String> = configuration.map(|it| it.pools().map(str::to_owned).collect()).unwrap_or_default();
    let enabled = !pools.is_empty() && *sort != Ok(GatewaySort::LocalGateway);
    let served = match sort {
        _ if !enabled => Ok(false),
        Ok(sort) => Ok(*sort != GatewaySort::ExpressRoute),
        // These SKUs exist on VPN gateways only.
        Err(_) if sku.is_some_and(|sku| sku::find(sku).is_some_and(|sku| sku.name.starts_with("VpnGw"))) => Ok(true),
        Err(unread) => Err(unread.clone()),
    };
    let signs = configuration.map_or(Signs { stated: &[], roots: 0, radius: false, entra: false }, |it| Signs {
        stated: &it.vpn_authentication_types,
        roots: it.vpn_client_root_certificates.len(),
        radius: text(&it.radius_server_address).is_some()
            || it.radius_servers.iter().any(|it| text(&it.radius_server_address).is_some()),
        entra: text(&it.aad_tenant).is_some(),
    });
    let root = ["--gateway-name", name, "--name", "P2SRoot", "--public-cert-data", "P2SRoot.cer"];
    let authentication = signs.authentication();
    PointToSite {
        enabled,
        served,
        pools,
        protocols: Ok(configuration.map(|it| protocols(&it.vpn_client_protocols)).unwrap_or_default()),
        uses_certificates: Ok(authentication.contains(&Authentication::Certificate)),
        authentication: Ok(authentication),
        authentication_stated: Ok(signs.are_stated()),
        root_certificates: Ok(signs.roots as i64),
        configured_in: name.to_owned(),
        configured_in_words: "it".to_owned(),
        add_root_commands: vec![az("network vnet-gateway root-cert create", id, &root)],
    }
}

/// The server configuration of a Virtual WAN gateway.
fn server_configuration<'a>(
    resource: &Resource<P2sVpnGateway>,
    inventory: &'a Inventory,
) -> Known<&'a Resource<VpnServerConfiguration>> {
    let reference = target(&resource.properties.vpn_server_configuration);
    let Some(id) = reference.filter(|id| !id.name().is_empty()) else {
        return Err(Unread::new(format!("the VPN server configuration of `{}`, which names none", resource.name), HOW));
    };
    inventory.vpn_server_configurations.get(id).ok_or_else(|| {
        let what = format!("the VPN server configuration `{}` of `{}`", id.name(), resource.name);
        Unread::new(what, format!("add it to the input, or grant Reader on `{id}`"))
    })
}

fn p2s_of_virtual_wan(resource: &Resource<P2sVpnGateway>, inventory: &Inventory) -> PointToSite {
    let pools: Vec<String> = resource.properties.pools().map(str::to_owned).collect();
    let server = server_configuration(resource, inventory);
    let signs = server.clone().map(|server| {
        let it = &server.properties;
        Signs {
            stated: &it.vpn_authentication_types,
            roots: it.vpn_client_root_certificates.len(),
            radius: text(&it.radius_server_address).is_some()
                || it.radius_servers.iter().any(|it| text(&it.radius_server_address).is_some()),
            entra: it.aad_authentication_parameters.as_ref().is_some_and(|it| text(&it.aad_tenant).is_some()),
        }
    });
    let add_root_commands = server.iter().map(|server| {
        let root = ["--name", &*server.name, "--vpn-client-root-certs", "P2SRoot.cer"];
        az("network vpn-server-config set", &server.id, &root)
    });
    let authentication = signs.as_ref().map(Signs::authentication).map_err(Clone::clone);
    PointToSite {
        enabled: !pools.is_empty(),
        served: Ok(!pools.is_empty()),
        pools,
        protocols: server.clone().map(|it| protocols(&it.properties.vpn_protocols)),
        uses_certificates: authentication
            .as_ref()
            .map(|it| it.contains(&Authentication::Certificate))
            .map_err(Clone::clone),
        authentication,
        authentication_stated: signs.as_ref().map(Signs::are_stated).map_err(Clone::clone),
        root_certificates: signs.as_ref().map(|it| it.roots as i64).map_err(Clone::clone),
        configured_in: server.as_ref().map_or(&*resource.name, |it| &*it.name).to_owned(),
        configured_in_words: match &server {
            Ok(server) => format!("its server configuration {}", server.name),
            Err(_) => "its server configuration".to_owned(),
        },
        add_root_commands: add_root_commands.collect(),
    }
}

/// The limits that count, for the protocols that are enabled; none named: sessions may be of any.
fn limits_of_sku(sku: &Known<&'static Sku>, protocols: &[ClientProtocol]) -> Limits {
    let any = protocols.is_empty();
    let limit = |kind: &str, of: fn(&Sku) -> Option<u32>| match sku {
        Ok(sku) => of(sku).ok_or_else(|| {
            let what = format!("how many {kind} sessions the SKU {} carries, which Azure does not publish", sku.name);
            Unread::new(what, "move to a SKU with a published limit, VpnGw1AZ or larger")
        }),
        Err(unread) => Err(unread.clone()),
    };
    Limits::ByProtocol {
        sstp: Side { enabled: any || protocols.contains(&ClientProtocol::Sstp), limit: limit("SSTP", |sku| sku.sstp) },
        other: Side {
            enabled: any || protocols.iter().any(|it| *it != ClientProtocol::Sstp),
            limit: limit("IKEv2/OpenVPN", |sku| sku.ikev2_open_vpn),
        },
    }
}

impl From<&Limits> for SessionLimits {
    fn from(limits: &Limits) -> Self {
        match limits {
            Limits::ByProtocol { sstp, other } => Self {
                sstp: sstp.limit.clone().map(|limit| Some(limit.into())),
                ikev2_open_vpn: other.limit.clone().map(Into::into),
            },
            Limits::Together(limit) => Self { sstp: Ok(None), ikev2_open_vpn: limit.clone().map(Into::into) },
        }
    }
}

/// `az COMMAND --subscription … --resource-group …` with the arguments.
fn az(command: &str, id: &ResourceId, arguments: &[&str]) -> Command {
    let scope = ["--subscription", id.subscription(), "--resource-group", id.resource_group()];
    let words = std::iter::once("az").chain(command.split(' ')).chain(scope);
    Command::new(words.chain(arguments.iter().copied()))
}

/// A gateway cannot change its type: a policy-based one is deleted and built anew; beside an ExpressRoute gateway there
/// is room for a VPN gateway in the same subnet. Empty where the network is not known.
fn route_based_commands(
    resource: &Resource<VirtualNetworkGateway>,
    sort: &Known<GatewaySort>,
    network: Option<&ResourceId>,
) -> Vec<Command> {
    let (name, id): (&str, _) = (&resource.name, &resource.id);
    let Some(network) = network else { return Vec::new() };
    let beside = *sort == Ok(GatewaySort::ExpressRoute);
    let new_name = if beside { format!("{name}-vpn") } else { name.to_owned() };
    let address = format!("{new_name}-ip");
    let location = text(&resource.location).map(|location| ["--location", location]);
    let location = location.as_ref().map_or(&[][..], |it| &it[..]);
    let public_ip = ["--name", &address, "--sku", "Standard", "--allocation-method", "Static"];
    let gateway = ["--name", &new_name, "--vnet", network.as_str(), "--public-ip-addresses", &address];
    let kind = ["--gateway-type", "Vpn", "--vpn-type", "RouteBased", "--sku", "VpnGw1AZ"];
    let clear = match beside {
        true => az("network vnet-gateway update", id, &["--name", name, "--remove", "vpnClientConfiguration"]),
        false => az("network vnet-gateway delete", id, &["--name", name]),
    };
    vec![
        clear,
        az("network public-ip create", id, &[&public_ip, location].concat()),
        az("network vnet-gateway create", id, &[&gateway[..], &kind, location].concat()),
    ]
}

/// More room: a larger SKU, or for SSTP, whose limit no SKU lifts, the other protocols.
fn relief_commands(
    resource: &Resource<VirtualNetworkGateway>,
    sessions: &Sessions,
    sku: Option<&str>,
    generation: Option<&str>,
) -> Vec<Command> {
    let update = |arguments: &[&str]| {
        az("network vnet-gateway update", &resource.id, &[&["--name", &*resource.name], arguments].concat())
    };
    // Basic serves IKEv2 only.
    let basic = sku.is_some_and(|sku| sku.eq_ignore_ascii_case("Basic"));
    match (sessions.tightest, sku.and_then(|sku| sku::larger(sku, generation))) {
        (Some(LimitKind::Sstp), _) if basic => vec![update(&["--client-protocol", "IkeV2"])],
        (Some(LimitKind::Sstp), _) => vec![update(&["--client-protocol", "IkeV2", "OpenVPN"])],
        (_, Some(larger)) => vec![update(&["--sku", larger])],
        (_, None) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::schema::record_to_json;
    use crate::inventory::collect;
    use crate::source::{Batch, Kind};
    use serde_json::{Value, json};

    const NETWORK: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network";

    fn inventory(resources: &[Value], answer: Option<Value>) -> Inventory {
        let ((), inventory) = collect(|sink| {
            for resource in resources {
                sink.batch(Batch::whole(0, Kind::Resource, None, resource.to_string()));
            }
            if let Some(answer) = answer {
                sink.batch(Batch::whole(0, Kind::Sessions, None, answer.to_string()));
            }
        });
        assert!(inventory.gaps.is_empty(), "{:?}", inventory.gaps);
        inventory
    }

    /// The facts of the only gateway, as JSON.
    fn only(inventory: &Inventory) -> Value {
        let found = std::sync::Mutex::new(Vec::new());
        let options =
            crate::facts::Options { now: time::macros::datetime!(2026-10-01 0:00 UTC), rdp_port: 3389, cloud: None };
        each(Context { inventory, options: &options }, &|subject| {
            found.lock().unwrap().push(record_to_json(subject.roots[0]));
        });
        let mut found = found.into_inner().unwrap();
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    fn gateway(properties: Value) -> Value {
        let id = format!("{NETWORK}/virtualNetworkGateways/gw1");
        json!({"id": id, "location": "westeurope", "properties": properties})
    }

    fn facts(properties: Value) -> Value {
        only(&inventory(&[gateway(properties)], None))
    }

    /// A gateway with a pool and this configuration beside it.
    fn client(configuration: Value) -> Value {
        let mut all = json!({"vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]}});
        all.as_object_mut().unwrap().extend(configuration.as_object().unwrap().clone());
        facts(json!({"gatewayType": "Vpn", "sku": {"name": "VpnGw1AZ"}, "vpnClientConfiguration": all}))
    }

    fn is_unread(value: &Value) -> bool {
        value["unread"].is_string()
    }

    #[test]
    fn types_are_read_in_any_letter_case_and_their_absence_is_unread() {
        for (word, sort) in [("VPN", "vpn"), ("expressroute", "expressRoute"), ("LocalGateway", "localGateway")] {
            assert_eq!(facts(json!({"gatewayType": word}))["sort"], sort);
        }
        assert_eq!(facts(json!({"vpnType": "ROUTEBASED"}))["vpnType"], "routeBased");
        let nothing = facts(json!({"gatewayType": null, "vpnType": ""}));
        assert!(is_unread(&nothing["sort"]) && is_unread(&nothing["vpnType"]));
    }

    #[test]
    fn point_to_site_is_on_with_a_pool_and_not_before() {
        let enabled = |configuration: Value| {
            let it = facts(json!({"gatewayType": "Vpn", "vpnClientConfiguration": configuration}));
            it["p2s"]["enabled"].as_bool().unwrap()
        };
        let pool = |prefixes: Value| json!({"addressPrefixes": prefixes});
        assert!(enabled(json!({"vpnClientAddressPool": pool(json!(["172.16.0.0/24"]))})));
        assert!(!enabled(json!({"vpnClientAddressPool": pool(json!([]))})));
        assert!(!enabled(json!({"vpnClientAddressPool": pool(json!([""]))})));
        assert!(!enabled(json!({"vpnClientProtocols": ["OpenVPN"], "vpnAuthenticationTypes": ["Certificate"]})));
        let group = json!({"name": "g", "properties": {"vpnClientAddressPool": pool(json!(["172.16.1.0/24"]))}});
        assert!(enabled(json!({"vngClientConnectionConfigurations": [group]})));
    }

    #[test]
    fn who_serves_clients() {
        let served = |gateway: Value| {
            let mut gateway = gateway;
            gateway["vpnClientConfiguration"] = json!({"vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]}});
            facts(gateway)["p2s"]["served"].clone()
        };
        assert_eq!(served(json!({"gatewayType": "Vpn"})), true);
        assert_eq!(served(json!({"gatewayType": "ExpressRoute"})), false);
        assert_eq!(served(json!({"gatewayType": "LocalGateway"})), false);
        assert!(is_unread(&served(json!({}))));
        assert!(is_unread(&served(json!({"sku": {"name": "Standard"}}))));
        assert_eq!(served(json!({"sku": {"name": "vpngw2"}})), true);
    }

    #[test]
    fn authentication_is_inferred_only_where_nothing_is_stated() {
        let authentication = |configuration: Value| client(configuration)["p2s"]["authentication"].clone();
        let root = json!([{"name": "r", "properties": {"publicCertData": "x"}}]);
        assert_eq!(authentication(json!({"vpnClientRootCertificates": root})), json!(["certificate"]));
        let stated = json!({"vpnClientRootCertificates": root, "vpnAuthenticationTypes": ["aad"]});
        assert_eq!(authentication(stated), json!(["entra"]));
        assert_eq!(authentication(json!({"radiusServerAddress": "10.0.0.4"})), json!(["radius"]));
        assert_eq!(authentication(json!({"radiusServers": [{"radiusServerAddress": "10.0.0.4"}]})), json!(["radius"]));
        assert_eq!(authentication(json!({"aadTenant": "https://login.microsoftonline.com/t"})), json!(["entra"]));
        assert_eq!(authentication(json!({"vpnAuthenticationTypes": []})), json!([]));
    }

    #[test]
    fn enabled_protocols_decide_which_limit_counts() {
        let health = json!({"vpnClientConnectionsCount": 128});
        let most = |protocols: Value| {
            let it = client(json!({"vpnClientProtocols": protocols, "vpnClientConnectionHealth": health}));
            it["sessions"]["usedAtMost"].as_f64().unwrap()
        };
        assert_eq!(most(json!(["SSTP"])), 1.0);
        assert_eq!(most(json!(["IkeV2", "OpenVPN"])), 128.0 / 250.0);
        assert_eq!(most(json!(["SSTP", "IkeV2"])), 1.0);
        assert_eq!(most(json!([])), 1.0);
    }

    #[test]
    fn a_saved_session_answer_belongs_to_the_gateway_with_a_pool() {
        let pool =
            json!({"vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]}, "vpnClientProtocols": ["IkeV2"]});
        let it = gateway(json!({"gatewayType": "Vpn", "sku": {"name": "VpnGw1AZ"}, "vpnClientConfiguration": pool}));
        let rows: Vec<Value> = (0..200).map(|i| json!({"vpnConnectionId": format!("IKEv2_{i}")})).collect();
        let it = only(&inventory(&[it], Some(json!({"value": rows}))));
        assert_eq!(it["sessions"]["usedAtLeast"], 0.8);
        assert_eq!(it["sessions"]["source"], "listed by getVpnClientConnectionHealth");
        let update = "az network vnet-gateway update --subscription s --resource-group rg --name gw1 --sku VpnGw2AZ";
        assert_eq!(it["reliefCommands"], json!([update]));
    }

    #[test]
    fn a_sku_is_retired_from_its_day_on() {
        // The tests' day is 1 October 2026.
        assert_eq!(facts(json!({"sku": {"name": "VpnGw1"}}))["skuRetired"], true);
        assert_eq!(facts(json!({"sku": {"name": "VpnGw1AZ"}}))["skuRetired"], false);
        assert!(is_unread(&facts(json!({}))["skuRetired"]));
        assert!(is_unread(&facts(json!({"sku": {"name": "VpnGw9"}}))["skuRetired"]));
    }

    fn virtual_wan(units: Option<i64>) -> Value {
        let pools =
            json!([{"name": "p", "properties": {"vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]}}}]);
        let server = json!({"id": format!("{NETWORK}/vpnServerConfigurations/server")});
        json!({"id": format!("{NETWORK}/p2svpnGateways/wan"), "type": "Microsoft.Network/p2sVpnGateways", "properties": {
            "vpnGatewayScaleUnit": units, "vpnServerConfiguration": server, "p2SConnectionConfigurations": pools,
            "vpnClientConnectionHealth": {"vpnClientConnectionsCount": 16_000}}})
    }

    #[test]
    fn virtual_wan_is_always_route_based_and_its_authentication_stands_elsewhere() {
        let alone = only(&inventory(&[virtual_wan(Some(40))], None));
        assert_eq!((&alone["sort"], &alone["vpnType"]), (&json!("virtualWan"), &json!("routeBased")));
        assert!(is_unread(&alone["p2s"]["usesCertificates"]) && is_unread(&alone["p2s"]["rootCertificates"]));
        let server = json!({"id": format!("{NETWORK}/vpnServerConfigurations/server"), "properties":
            {"vpnAuthenticationTypes": ["Certificate"], "vpnClientRootCertificates": [{"name": "r", "publicCertData": "x"}]}});
        let whole = only(&inventory(&[virtual_wan(Some(40)), server], None));
        assert_eq!((&whole["p2s"]["usesCertificates"], &whole["p2s"]["rootCertificates"]), (&json!(true), &json!(1)));
    }

    #[test]
    fn virtual_wan_is_limited_by_its_scale_units_where_that_is_published() {
        let used = |units: Option<i64>| only(&inventory(&[virtual_wan(units)], None))["sessions"]["usedAtMost"].clone();
        assert_eq!(used(Some(40)), 0.8);
        assert_eq!(used(Some(200)), 0.16);
        assert!(is_unread(&used(Some(80))) && is_unread(&used(None)));
    }
}
