//! Gateway transit: the hub offers its gateway, the spoke uses it.

use super::sides::{Pair, Side, asks, offers};
use super::{connected, create_back, peering_command};
use crate::facts::command::Command;
use crate::facts::schema::{Known, Unread, facts};
use crate::inventory::network::Peering;
use crate::inventory::{Resource, ResourceId};

facts! {
    /// Whether the two sides of a peering agree that one, the spoke, uses the point-to-site gateway of the other, the hub.
    pub struct GatewayTransit {
        /// Whether there are a hub with a point-to-site gateway and a spoke without any gateway. Azure itself keeps both
        /// sides of a peering with a Virtual WAN hub.
        pub applies: Known<bool>,
        /// Whether the hub offers its gateway and the spoke uses it; both may leave it while the peering is not connected.
        pub agrees: Known<bool>,
        /// The point-to-site gateway; empty where it does not apply.
        pub gateway: String,
        /// The spoke's network; empty where it does not apply.
        pub spoke: String,
        /// Whether the hub offers its gateway (`allowGatewayTransit`); absent means no.
        pub offered: Known<bool>,
        /// Whether the spoke uses it (`useRemoteGateways`); absent means no.
        pub used: Known<bool>,
        /// What is wrong and which side to mend: `hub/to-spoke does not offer the gateway gw1 that spoke/to-hub asks for:
        /// set allowGatewayTransit on hub/to-spoke`; empty where nothing is.
        pub fault_words: String,
        /// Commands that set what is missing, the hub first, as far as its peerings were read, or create the peering that
        /// is.
        pub mend_commands: Vec<Command>,
    }
}

type Row = Resource<Peering>;

/// Hub and spoke of a pair, each with its peering: `Ok(None)`: it has none.
struct Roles<'p, 'a> {
    gateway: &'p str,
    hub: &'p Side,
    spoke: &'p Side,
    hub_peering: Known<Option<&'a Row>>,
    spoke_peering: Known<Option<&'a Row>>,
}

pub(super) fn of(pair: &Pair<'_>) -> GatewayTransit {
    match roles(pair) {
        Ok(Some(roles)) => judge(&roles, pair),
        Ok(None) => nothing(Ok(false)),
        Err(unread) => nothing(Err(unread)),
    }
}

fn nothing(applies: Known<bool>) -> GatewayTransit {
    GatewayTransit {
        applies,
        agrees: Ok(true),
        gateway: String::new(),
        spoke: String::new(),
        offered: Ok(false),
        used: Ok(false),
        fault_words: String::new(),
        mend_commands: Vec::new(),
    }
}

/// Who is hub and who is spoke; `Ok(None)`: there are no such two.
fn roles<'p, 'a>(pair: &'p Pair<'a>) -> Known<Option<Roles<'p, 'a>>> {
    let (near, far) = (&pair.near, &pair.far);
    let (near_has, far_has) = (&near.has_gateway, &far.has_gateway);
    if pair.with_hub {
        return Ok(None);
    }
    match (near_has, far_has) {
        (Ok(true), Ok(true)) | (Ok(false), Ok(false)) => return Ok(None),
        // Whatever the other side has: it is both with gateways of their own, or a hub without point-to-site.
        (Ok(true), _) if near.p2s == Ok(None) => return Ok(None),
        (_, Ok(true)) if far.p2s == Ok(None) => return Ok(None),
        _ => {}
    }
    // A network that was not read counts as a spoke: only the hub's own fault is then certain.
    let is_spoke = |side: &Side| side.has_gateway == Ok(false) || !side.read;
    let here = Ok(Some(pair.here));
    match (&near.p2s, &far.p2s) {
        (Ok(Some(gateway)), _) if is_spoke(far) => {
            Ok(Some(Roles { gateway, hub: near, spoke: far, hub_peering: here, spoke_peering: pair.back.clone() }))
        }
        (_, Ok(Some(gateway))) if is_spoke(near) => {
            Ok(Some(Roles { gateway, hub: far, spoke: near, hub_peering: pair.back.clone(), spoke_peering: here }))
        }
        (near_p2s, far_p2s) => {
            let unread =
                [near_has.as_ref().err(), far_has.as_ref().err(), near_p2s.as_ref().err(), far_p2s.as_ref().err()];
            let unread: Vec<Unread> = unread.into_iter().flatten().cloned().collect();
            Unread::join(&unread).map_or(Ok(None), Err)
        }
    }
}

fn judge(roles: &Roles<'_, '_>, pair: &Pair<'_>) -> GatewayTransit {
    let connected = connected(pair.here);
    let flag = |of: &Known<Option<&Row>>, flag: fn(&Row) -> bool| match of {
        Ok(peering) => Ok(peering.is_some_and(flag)),
        Err(unread) => Err(unread.clone()),
    };
    let offered = flag(&roles.hub_peering, offers);
    let used = flag(&roles.spoke_peering, asks);
    // A spoke that was not read may have a gateway of its own, and then it leaves the hub's alone with good reason.
    let own = roles.spoke.has_gateway.as_ref().err();
    let agrees = match (&offered, &used) {
        (Ok(offered), Ok(true)) => Ok(*offered),
        (Ok(true), Ok(false)) => own.map_or(Ok(false), |unread| Err(unread.clone())),
        // While the peering is connected, both sides should say yes.
        (Ok(false), Ok(false)) => connected.map(|connected| !connected),
        (Ok(false), Err(unread)) => {
            connected.and_then(|connected| if connected { Ok(false) } else { Err(unread.clone()) })
        }
        (Err(unread), Ok(false)) => {
            let unread = own.unwrap_or(unread);
            connected.and_then(|connected| if connected && own.is_none() { Ok(false) } else { Err(unread.clone()) })
        }
        (Err(unread), _) | (_, Err(unread)) => Err(unread.clone()),
    };
    let fails = agrees == Ok(false);
    GatewayTransit {
        applies: Ok(true),
        gateway: roles.gateway.to_owned(),
        spoke: name(roles.spoke).to_owned(),
        fault_words: if fails { fault_words(roles, &offered, &used) } else { String::new() },
        mend_commands: if fails { mend_commands(roles, pair, &offered, &used) } else { Vec::new() },
        agrees,
        offered,
        used,
    }
}

fn name(side: &Side) -> &str {
    side.network.as_ref().map_or("the other network", ResourceId::name)
}

/// A side's peering in words.
fn words(peering: &Known<Option<&Row>>, of: &Side, to: &Side) -> String {
    match peering {
        Ok(Some(peering)) => peering.id.qualified_name(),
        _ => format!("the peering of {} to {}", name(of), name(to)),
    }
}

fn fault_words(roles: &Roles<'_, '_>, offered: &Known<bool>, used: &Known<bool>) -> String {
    let Roles { gateway, hub, spoke, hub_peering, spoke_peering } = roles;
    let hub_words = words(hub_peering, hub, spoke);
    let spoke_words = words(spoke_peering, spoke, hub);
    let (hub_name, spoke_name) = (name(hub), name(spoke));
    match (offered, used) {
        (Ok(true), _) if *spoke_peering == Ok(None) => {
            format!("{hub_words} offers the gateway {gateway}, but {spoke_name} has no peering back: create it")
        }
        (Ok(true), _) => format!(
            "{hub_words} offers the gateway {gateway}, but {spoke_words} does not use it: set useRemoteGateways on \
             {spoke_words}"
        ),
        (Ok(false), Ok(true)) if *hub_peering == Ok(None) => {
            format!("{spoke_words} asks for the gateway {gateway}, but {hub_name} has no peering back: create it")
        }
        (Ok(false), Ok(true)) => format!(
            "{hub_words} does not offer the gateway {gateway} that {spoke_words} asks for: set allowGatewayTransit on \
             {hub_words}"
        ),
        (Ok(false), _) => format!(
            "{hub_words} does not offer the gateway {gateway} to {spoke_name}: set allowGatewayTransit on {hub_words}, \
             then useRemoteGateways on {spoke_words}"
        ),
        (Err(_), _) => format!(
            "{spoke_words} does not use the gateway {gateway} of {hub_name}: set useRemoteGateways on {spoke_words}, and \
             before that allowGatewayTransit on {hub_words} if it is not set"
        ),
    }
}

fn mend_commands(roles: &Roles<'_, '_>, pair: &Pair<'_>, offered: &Known<bool>, used: &Known<bool>) -> Vec<Command> {
    // One side offers or asks, and the other has no peering at all.
    if pair.back == Ok(None) && (*offered == Ok(true) || *used == Ok(true)) {
        return create_back(pair).into_iter().collect();
    }
    let set = |peering: &Known<Option<&Row>>, value: &str| {
        peering.as_ref().ok().copied().flatten().map(|it| peering_command("update", &it.id, &["--set", value]))
    };
    let hub = set(&roles.hub_peering, "allowGatewayTransit=true").filter(|_| *offered != Ok(true));
    let spoke = set(&roles.spoke_peering, "useRemoteGateways=true").filter(|_| *used != Ok(true));
    // Azure refuses the spoke's side while the hub does not offer.
    let spoke = spoke.filter(|_| *offered == Ok(true) || hub.is_some());
    hub.into_iter().chain(spoke).collect()
}
