//! What Azure provides of a gateway: its state, its instances, its public addresses, its zones.

use super::addresses::{Address, addresses_of, unnamed_address};
use super::{GatewaySort, HOW, PointToSite, text, word_of, zones};
use crate::facts::bicep;
use crate::facts::command::{Command, az};
use crate::facts::schema::{Known, Unread, fact_enum, facts};
use crate::facts::sku::{self, Sku};
use crate::inventory::gateway::{P2sVpnGateway, VirtualNetworkGateway};
use crate::inventory::{Inventory, Resource, ResourceId};

fact_enum! {
    /// `provisioningState`, compared without letter case. Other words are unread.
    pub enum ProvisioningState {
        /// `Succeeded`.
        Succeeded => "succeeded",
        /// `Updating`: a change is under way.
        Updating => "updating",
        /// `Deleting`.
        Deleting => "deleting",
        /// `Failed`: the last change was not carried out.
        Failed => "failed",
    }
}

facts! {
    /// What Azure provides of a gateway.
    pub struct Platform {
        /// Whether it is a VPN gateway, of a virtual network or of Virtual WAN. Only those have client pools, so a
        /// gateway with a pool whose type is not known counts as one.
        pub is_vpn: Known<bool>,
        /// Whether it is a VPN gateway of a virtual network, so that it has a SKU, instances and zones to choose.
        pub is_network_vpn: Known<bool>,
        /// What became of its last change.
        pub state: Known<ProvisioningState>,
        /// What a state other than Succeeded means: `its last change failed (state Failed)`; empty on the others.
        pub state_words: String,
        /// What to do about it; empty on the others.
        pub state_advice: String,
        /// Commands that bring it back to Succeeded, or wait until it is.
        pub state_commands: Vec<Command>,
        /// How many instances carry traffic: 1 or 2.
        pub instances: Known<i64>,
        /// Commands that give it a second instance; empty where clients are served, which needs more than commands.
        pub second_instance_commands: Vec<Command>,
        /// Whether it names public addresses of its own. ExpressRoute gateways and those of SKU Basic may leave them
        /// to Azure; gateways of Virtual WAN always do.
        pub has_public_addresses: Known<bool>,
        /// The public addresses of SKU Basic, by name.
        pub basic_addresses: Vec<String>,
        /// Whether there is one.
        pub has_basic_address: Known<bool>,
        /// Commands that prepare its move to a Standard address.
        pub standard_address_commands: Vec<Command>,
        /// The public addresses that are none: `pip (state Failed)`, `pip (static, without an address)`.
        pub address_faults: Vec<String>,
        /// Whether there is one.
        pub has_address_fault: Known<bool>,
        /// Commands that write these addresses again as they are.
        pub address_commands: Vec<Command>,
        /// Whether its region has availability zones. Source: Microsoft's lists of regions.
        pub region_has_zones: Known<bool>,
        /// What keeps it in one zone: `its SKU VpnGw1 is without zones`, `its public address pip is in zone 1 alone`.
        pub zone_faults: Vec<String>,
        /// Whether gateway and public addresses are spread over the zones of the region.
        pub zone_redundant: Known<bool>,
        /// The SKU with zones that stands in for its own; null: none can be chosen for a gateway that exists.
        pub zone_sku: Option<String>,
        /// The same as a template writes it; empty where there is none.
        pub zone_sku_property: String,
        /// Commands that change to that SKU.
        pub zone_sku_commands: Vec<Command>,
    }
}

const STATES: [(&str, ProvisioningState); 4] = [
    ("Succeeded", ProvisioningState::Succeeded),
    ("Updating", ProvisioningState::Updating),
    ("Deleting", ProvisioningState::Deleting),
    ("Failed", ProvisioningState::Failed),
];

/// The state, and what to say and do about it.
struct State {
    known: Known<ProvisioningState>,
    words: &'static str,
    advice: &'static str,
    commands: Vec<Command>,
}

fn state_of(word: Option<&str>, id: &ResourceId, group: &str) -> State {
    let known = word_of(word, &STATES, "provisioning state", id.name());
    let command = |verb: &str, more: &[&str]| {
        az(&format!("network {group} {verb}"), id, &[&["--name", id.name()], more].concat())
    };
    let (words, advice, commands) = match known {
        Ok(ProvisioningState::Failed) => (
            "its last change failed (state Failed), so it may not run as configured",
            "The activity log of the gateway tells why. Mend that and write the configuration again as it is, which can \
             interrupt connections for a short time. Where RADIUS is used, check that the gateway still has its secret.",
            vec![command("update", &[])],
        ),
        Ok(ProvisioningState::Updating) => (
            "a change is under way (state Updating), and until it ends changes and client downloads fail with error 503",
            "Wait until it ends, which can take 45 minutes, and try again.",
            vec![command("wait", &["--updated"])],
        ),
        Ok(ProvisioningState::Deleting) => (
            "it is being deleted (state Deleting), and clients lose it",
            "Wait until it is gone. Who still needs it has to create it anew.",
            vec![command("wait", &["--deleted"])],
        ),
        _ => ("", "", Vec::new()),
    };
    State { known, words, advice, commands }
}

/// Whether there is a fault: it is so where one is known, and unread where one may be.
fn any(faults: bool, unread: &[Unread]) -> Known<bool> {
    match Unread::join(unread) {
        Some(unread) if !faults => Err(unread),
        _ => Ok(faults),
    }
}

pub(super) fn of_network(
    resource: &Resource<VirtualNetworkGateway>,
    inventory: &Inventory,
    sort: &Known<GatewaySort>,
    p2s: &PointToSite,
    sku_name: Option<&str>,
) -> Platform {
    let it = &resource.properties;
    let (id, name): (_, &str) = (&resource.id, &resource.name);
    let is_vpn = if p2s.served { Ok(true) } else { sort.clone().map(|sort| sort == GatewaySort::Vpn) };
    let sku = sku_name.and_then(sku::find);
    let state = state_of(text(&it.provisioning_state), id, "vnet-gateway");

    let addresses = addresses_of(resource, inventory);
    let unnamed = unnamed_address(resource, addresses.len(), sort, sku);
    let basic: Vec<Known<bool>> = addresses.iter().map(Address::is_basic).collect();
    let mut basic_addresses: Vec<String> = addresses
        .iter()
        .zip(&basic)
        .filter(|(_, basic)| **basic == Ok(true))
        .map(|(address, _)| address.id.name().to_owned())
        .collect();
    basic_addresses.dedup();
    let mut unread: Vec<Unread> = basic.into_iter().filter_map(Known::err).collect();
    unread.extend(unnamed.clone().err());
    let has_basic_address = any(!basic_addresses.is_empty(), &unread);

    let (mut address_faults, mut address_commands, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    for address in &addresses {
        match address.fault() {
            Ok(None) => {}
            Ok(Some(fault)) if address_faults.contains(&fault) => {}
            Ok(Some(fault)) => {
                address_faults.push(fault);
                address_commands.push(az("network public-ip update", address.id, &["--name", address.id.name()]));
            }
            Err(it) => unread.push(it),
        }
    }
    unread.extend(unnamed.clone().err());
    let has_address_fault = any(!address_faults.is_empty(), &unread);

    let (mut zone_faults, mut unread) = (Vec::new(), Vec::new());
    match (sku, sku_name) {
        (Some(sku), _) if sku.name.ends_with("AZ") => {}
        (Some(sku), _) => zone_faults.push(format!("its SKU {} is without zones", sku.name)),
        (None, Some(sku)) => unread.push(Unread::new(
            format!("whether the SKU `{sku}` of `{name}` has zones (azaudit does not know it)"),
            "correct the SKU's name, or update azaudit",
        )),
        (None, None) => unread.push(Unread::new(format!("the SKU of `{name}`"), HOW)),
    }
    for fault in addresses.iter().map(Address::zone_fault) {
        match fault {
            Ok(fault) => zone_faults.extend(fault),
            Err(it) => unread.push(it),
        }
    }
    unread.extend(unnamed.clone().err());
    zone_faults.dedup();
    let zone_redundant = any(!zone_faults.is_empty(), &unread).map(|faults| !faults);
    let zone_sku = sku.and_then(|sku| sku::with_zones(sku.name));

    // ExpressRoute has a migration of its own, and gateways of SKU Basic are moved by Microsoft.
    let movable = *sort == Ok(GatewaySort::Vpn) && sku.is_some_and(|sku| sku.name != "Basic");

    Platform {
        is_vpn: is_vpn.clone(),
        is_network_vpn: is_vpn,
        state: state.known,
        state_words: state.words.to_owned(),
        state_advice: state.advice.to_owned(),
        state_commands: state.commands,
        instances: instances(resource),
        second_instance_commands: second_instance(resource, p2s, sku, &addresses),
        has_public_addresses: match sort {
            Ok(GatewaySort::LocalGateway | GatewaySort::VirtualWan) => Ok(false),
            _ if !addresses.is_empty() => Ok(true),
            Err(unread) if !p2s.served => Err(unread.clone()),
            _ => unnamed,
        },
        standard_address_commands: match movable && !basic_addresses.is_empty() {
            false => Vec::new(),
            true => {
                // This group of commands knows no `--name`.
                let kind = ["--gateway-name", name, "--migration-type", "UpgradeDeploymentToStandardIP"];
                vec![az("network vnet-gateway migration prepare", id, &kind)]
            }
        },
        zone_sku_commands: zone_sku
            .filter(|_| has_basic_address == Ok(false))
            .map(|sku| az("network vnet-gateway update", id, &["--name", name, "--sku", sku]))
            .into_iter()
            .collect(),
        zone_sku_property: zone_sku.map(bicep::sku).unwrap_or_default(),
        zone_sku: zone_sku.map(str::to_owned),
        basic_addresses,
        has_basic_address,
        address_faults,
        has_address_fault,
        address_commands,
        region_has_zones: region_has_zones(resource),
        zone_faults,
        zone_redundant,
    }
}

fn region_has_zones(resource: &Resource<VirtualNetworkGateway>) -> Known<bool> {
    let name = &resource.name;
    match text(&resource.location) {
        None => Err(Unread::new(format!("the region of `{name}`"), HOW)),
        Some(region) => zones::in_region(region).ok_or_else(|| {
            let what =
                format!("whether the region `{region}` of `{name}` has availability zones (azaudit does not know it)");
            Unread::new(what, "look the region up in Microsoft's list of regions, or update azaudit")
        }),
    }
}

/// Two with active-active. Where the input does not say, one IP configuration is one instance: each needs its own.
pub(super) fn instances(resource: &Resource<VirtualNetworkGateway>) -> Known<i64> {
    match resource.properties.active_active {
        Some(true) => Ok(2),
        Some(false) => Ok(1),
        None if resource.properties.ip_configurations.len() == 1 => Ok(1),
        None => Err(Unread::new(format!("whether `{}` is active-active", resource.name), HOW)),
    }
}

/// A second address, and both of them for the gateway. Where clients are served, a third address and a larger pool are
/// needed too; the SKUs Basic and Standard never have two instances.
fn second_instance(
    resource: &Resource<VirtualNetworkGateway>,
    p2s: &PointToSite,
    sku: Option<&Sku>,
    addresses: &[Address<'_>],
) -> Vec<Command> {
    let [address] = addresses else { return Vec::new() };
    let can = sku.is_some_and(|sku| !["Basic", "Standard"].contains(&sku.name));
    if !can || p2s.enabled || address.is_basic() != Ok(false) {
        return Vec::new();
    }
    let (name, id): (&str, _) = (&resource.name, &resource.id);
    let second = ResourceId::new(&format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/publicIPAddresses/{name}-ip2",
        id.subscription(),
        id.resource_group()
    ));
    let mut create = vec!["--name", second.name(), "--sku", "Standard", "--allocation-method", "Static"];
    if let Some(location) = text(&resource.location) {
        create.extend(["--location", location]);
    }
    if let Ok(it) = address.read.as_ref()
        && it.zones.len() > 1
    {
        create.extend(["--zone"].into_iter().chain(it.zones.iter().map(|it| &**it)));
    }
    let both = ["--name", name, "--public-ip-addresses", address.id.as_str(), second.as_str()];
    vec![az("network public-ip create", id, &create), az("network vnet-gateway update", id, &both)]
}

pub(super) fn of_virtual_wan(resource: &Resource<P2sVpnGateway>) -> Platform {
    let state = state_of(text(&resource.properties.provisioning_state), &resource.id, "p2s-vpn-gateway");
    let none = || Unread::new(format!("the zones of `{}` (Virtual WAN chooses them)", resource.name), HOW);
    Platform {
        is_vpn: Ok(true),
        is_network_vpn: Ok(false),
        state: state.known,
        state_words: state.words.to_owned(),
        state_advice: state.advice.to_owned(),
        state_commands: state.commands,
        // A hub's gateway always has two instances.
        instances: Ok(2),
        second_instance_commands: Vec::new(),
        has_public_addresses: Ok(false),
        basic_addresses: Vec::new(),
        has_basic_address: Ok(false),
        standard_address_commands: Vec::new(),
        address_faults: Vec::new(),
        has_address_fault: Ok(false),
        address_commands: Vec::new(),
        region_has_zones: Err(none()),
        zone_faults: Vec::new(),
        zone_redundant: Err(none()),
        zone_sku: None,
        zone_sku_property: String::new(),
        zone_sku_commands: Vec::new(),
    }
}
