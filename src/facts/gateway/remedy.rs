//! Commands that mend a gateway.

use super::{ClientProtocol, text};
use crate::facts::command::{Command, az};
use crate::facts::sessions::{LimitKind, Sessions};
use crate::facts::sku;
use crate::inventory::gateway::VirtualNetworkGateway;
use crate::inventory::{Resource, ResourceId};

/// A gateway cannot change its type, so another one is created under a name of its own: nothing is overwritten should the
/// old gateway still be there. Empty where the network is not known.
pub(super) fn route_based_commands(
    resource: &Resource<VirtualNetworkGateway>,
    network: Option<&ResourceId>,
) -> Vec<Command> {
    let (name, id) = (format!("{}-vpn", resource.name), &resource.id);
    let Some(network) = network else { return Vec::new() };
    let address = format!("{name}-ip");
    let location = text(&resource.location).map(|location| ["--location", location]);
    let location = location.as_ref().map_or(&[][..], |it| &it[..]);
    let public_ip = ["--name", &address, "--sku", "Standard", "--allocation-method", "Static"];
    let gateway = ["--name", &name, "--vnet", network.as_str(), "--public-ip-addresses", &address];
    let kind = ["--gateway-type", "Vpn", "--vpn-type", "RouteBased", "--sku", "VpnGw1AZ"];
    vec![
        az("network public-ip create", id, &[&public_ip, location].concat()),
        az("network vnet-gateway create", id, &[&gateway[..], &kind, location].concat()),
    ]
}

/// More room: a larger SKU, or for SSTP, whose limit no SKU lifts, IKEv2 beside it. The option sets all protocols at once
/// and what it leaves out is cut off, so there is no command where others are enabled, or nobody says which.
pub(super) fn relief_commands(
    resource: &Resource<VirtualNetworkGateway>,
    sessions: &Sessions,
    sku: Option<&str>,
    generation: Option<&str>,
    protocols: &[ClientProtocol],
) -> Vec<Command> {
    let update = |arguments: &[&str]| {
        az("network vnet-gateway update", &resource.id, &[&["--name", &*resource.name], arguments].concat())
    };
    let sstp_alone = !protocols.is_empty() && protocols.iter().all(|it| *it == ClientProtocol::Sstp);
    match (sessions.tightest, sku.and_then(|sku| sku::larger(sku, generation))) {
        (Some(LimitKind::Sstp), _) if sstp_alone => vec![update(&["--client-protocol", "SSTP", "IkeV2"])],
        (Some(LimitKind::Sstp), _) => Vec::new(),
        (_, Some(larger)) => vec![update(&["--sku", larger])],
        (_, None) => Vec::new(),
    }
}
