//! The connections of a gateway to sites, to other gateways and to circuits.

use std::collections::HashMap;

use super::text;
use crate::facts::command::{Command, az};
use crate::facts::network_index::incomplete;
use crate::facts::schema::{Known, Unread, facts};
use crate::inventory::gateway::{Connection, VirtualNetworkGateway};
use crate::inventory::network::target;
use crate::inventory::{Inventory, Resource, ResourceId};

facts! {
    /// The connections of a gateway. One between two gateways belongs to both.
    pub struct SiteConnections {
        /// Whether it can have any: a LocalGateway serves nobody.
        pub possible: bool,
        /// All of them, as far as connections were read.
        pub all: Vec<SiteConnection>,
        /// Whether none is down; unread where the state of one is not known, or the list was refused.
        pub none_down: Known<bool>,
        /// Those that are down, in words: `cn-lyon to lgw-lyon, cn-oslo to gw-oslo`.
        pub down_words: String,
        /// Commands that show what the connections that are down say. They change nothing.
        pub show_commands: Vec<Command>,
    }

    /// One connection.
    pub struct SiteConnection {
        /// Its name.
        pub name: String,
        /// The local network gateway or the gateway on the other side; null where the input names none.
        pub to: Option<String>,
        /// `IPsec`, `Vnet2Vnet`, `ExpressRoute`, `VPNClient`, as written; null where the input does not say.
        pub connection_type: Option<String>,
        /// `Connected`, `Connecting`, `NotConnected`, as written. `Unknown`, which Azure says of connections that it
        /// did not ask, is unread.
        pub status: Known<String>,
    }
}

/// Connections by the gateways at their ends.
pub(super) struct Sites<'a>(HashMap<&'a ResourceId, Vec<&'a Resource<Connection>>>);

impl<'a> Sites<'a> {
    pub(super) fn of(inventory: &'a Inventory) -> Self {
        Self(inventory.connections_by_gateway())
    }

    pub(super) fn facts(
        &self,
        gateway: &Resource<VirtualNetworkGateway>,
        possible: bool,
        inventory: &Inventory,
    ) -> SiteConnections {
        let connections = self.0.get(&gateway.id).map_or(&[][..], Vec::as_slice);
        let all: Vec<SiteConnection> = connections.iter().map(|it| connection(it, &gateway.id)).collect();
        let down: Vec<usize> = (0..all.len()).filter(|i| is_down(&all[*i])).collect();
        let words = down.iter().map(|i| match &all[*i].to {
            Some(to) => format!("{} to {to}", all[*i].name),
            None => all[*i].name.clone(),
        });
        let unread: Vec<Unread> = all.iter().filter_map(|it| it.status.as_ref().err().cloned()).collect();
        let refused =
            || incomplete(inventory, "microsoft.network/connections", "connections", gateway.id.subscription());
        let doubt = Unread::join(&unread).or_else(refused).filter(|_| down.is_empty());
        SiteConnections {
            possible,
            none_down: doubt.map_or(Ok(down.is_empty()), Err),
            down_words: words.collect::<Vec<_>>().join(", "),
            show_commands: down.iter().map(|i| show_command(connections[*i])).collect(),
            all,
        }
    }
}

/// The facts of a gateway that has its connections elsewhere: those of a Virtual WAN hub belong to its site-to-site
/// gateway.
pub(super) fn elsewhere() -> SiteConnections {
    let (all, show_commands) = (Vec::new(), Vec::new());
    SiteConnections { possible: false, all, none_down: Ok(true), down_words: String::new(), show_commands }
}

fn ends(connection: &Connection) -> (Option<&ResourceId>, Option<&ResourceId>) {
    (target(&connection.virtual_network_gateway1), target(&connection.virtual_network_gateway2))
}

fn connection(resource: &Resource<Connection>, gateway: &ResourceId) -> SiteConnection {
    let it = &resource.properties;
    let (one, other) = ends(it);
    let gateways = [one, other].into_iter().flatten().filter(|end| *end != gateway);
    let to = target(&it.local_network_gateway2).into_iter().chain(gateways).next();
    let what = || format!("the state of the connection `{}`", resource.name);
    let how = || format!("add the connection as a GET gives it (`az resource show --ids {}`)", resource.id);
    SiteConnection {
        name: resource.name.to_string(),
        to: to.map(|id| id.name().to_owned()),
        connection_type: text(&it.connection_type).map(str::to_owned),
        status: match text(&it.connection_status) {
            None => Err(Unread::new(what(), how())),
            Some(status) if STATES.iter().any(|it| it.eq_ignore_ascii_case(status)) => Ok(status.to_owned()),
            Some(status) => Err(Unread::new(format!("{} (Azure says `{status}`)", what()), how())),
        },
    }
}

const DOWN: &str = "NotConnected";
const STATES: [&str; 3] = ["Connected", "Connecting", DOWN];

fn is_down(connection: &SiteConnection) -> bool {
    connection.status.as_ref().is_ok_and(|it| it.eq_ignore_ascii_case(DOWN))
}

fn show_command(connection: &Resource<Connection>) -> Command {
    let query = "{status: connectionStatus, tunnels: tunnelConnectionStatus, provisioning: provisioningState}";
    az("network vpn-connection show", &connection.id, &["--name", &*connection.name, "--query", query])
}
