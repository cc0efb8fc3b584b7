//! Commands that mend a gateway.

use super::{ClientProtocol, text};
use crate::facts::bicep;
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

/// How a gateway is given more room.
#[derive(Default)]
pub(super) struct Relief {
    pub(super) commands: Vec<Command>,
    /// The property and its place in a template; empty without commands.
    pub(super) line: String,
}

/// The scale units of a Virtual WAN gateway, doubled. 200 are the most that there are.
pub(super) fn more_scale_units(gateway: &ResourceId, units: Option<i64>) -> Relief {
    let Some(units) = units.filter(|units| (1..200).contains(units)) else { return Relief::default() };
    let units = (units * 2).min(200);
    let set = ["--name", gateway.name(), "--scale-unit", &units.to_string()];
    Relief {
        commands: vec![az("network p2s-vpn-gateway update", gateway, &set)],
        line: format!("`vpnGatewayScaleUnit: {units}` under properties of Microsoft.Network/p2sVpnGateways"),
    }
}

/// More room: a larger SKU, or for SSTP, whose limit no SKU lifts, IKEv2 beside it. The option sets all protocols at once
/// and what it leaves out is cut off, so there is no command where others are enabled, or nobody says which.
pub(super) fn relief(
    resource: &Resource<VirtualNetworkGateway>,
    sessions: &Sessions,
    sku: Option<&str>,
    generation: Option<&str>,
    protocols: &[ClientProtocol],
) -> Relief {
    let update = |arguments: &[&str]| {
        az("network vnet-gateway update", &resource.id, &[&["--name", &*resource.name], arguments].concat())
    };
    let sstp_alone = !protocols.is_empty() && protocols.iter().all(|it| *it == ClientProtocol::Sstp);
    match (sessions.tightest, sku.and_then(|sku| sku::larger(sku, generation))) {
        (Some(LimitKind::Sstp), _) if sstp_alone => Relief {
            commands: vec![update(&["--client-protocol", "SSTP", "IkeV2"])],
            line: "`vpnClientProtocols: ['SSTP', 'IkeV2']` under properties.vpnClientConfiguration of \
                   Microsoft.Network/virtualNetworkGateways"
                .to_owned(),
        },
        (Some(LimitKind::Sstp), _) => Relief::default(),
        (_, Some(larger)) => Relief {
            commands: vec![update(&["--sku", larger])],
            line: format!("`{}` under properties of Microsoft.Network/virtualNetworkGateways", bicep::sku(larger)),
        },
        (_, None) => Relief::default(),
    }
}
