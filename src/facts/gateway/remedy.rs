//! Commands that mend a gateway.

use super::{GatewaySort, text};
use crate::facts::command::Command;
use crate::facts::schema::Known;
use crate::facts::sessions::{LimitKind, Sessions};
use crate::facts::sku;
use crate::inventory::gateway::VirtualNetworkGateway;
use crate::inventory::{Resource, ResourceId};

/// `az COMMAND --subscription … --resource-group …` with the arguments.
pub(super) fn az(command: &str, id: &ResourceId, arguments: &[&str]) -> Command {
    let scope = ["--subscription", id.subscription(), "--resource-group", id.resource_group()];
    let words = std::iter::once("az").chain(command.split(' ')).chain(scope);
    Command::new(words.chain(arguments.iter().copied()))
}

/// A gateway cannot change its type: a policy-based one is deleted and built anew; beside an ExpressRoute gateway there
/// is room for a VPN gateway in the same subnet. Empty where the network is not known.
pub(super) fn route_based_commands(
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
pub(super) fn relief_commands(
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
