//! Facts about peerings between virtual networks: those on the path of point-to-site clients, and those of networks with
//! a gateway.

mod sides;
#[cfg(test)]
mod tests;
mod transit;

use rayon::prelude::*;

use super::command::{Command, az};
use super::schema::{Known, RecordType, Unread, facts};
use super::{Context, Identity, Subject, SubjectKind};
use crate::inventory::network::{Peering as ArmPeering, target};
use crate::inventory::{Resource, ResourceId};
use sides::{Estate, Pair, asks, offers};
pub use transit::GatewayTransit;

facts! {
    /// A peering, seen from the virtual network that it belongs to.
    pub struct Peering {
        /// The network's name and its own: `hub/to-spoke`.
        pub name: String,
        /// The network's name.
        pub virtual_network: String,
        /// The name of the network on the other side; null where the input names none.
        pub remote_network: Option<String>,
        /// The network's resource group.
        pub resource_group: String,
        /// The id of its subscription.
        pub subscription: String,
        /// `Connected`, `Initiated`, `Disconnected`, as written.
        pub state: Known<String>,
        /// `FullyInSync`, `LocalNotInSync`, `RemoteNotInSync`, `LocalAndRemoteNotInSync`, as written; null where the input
        /// does not say, as in older API versions.
        pub sync_level: Option<String>,
        /// Whether it is connected, and where the input says so, in sync.
        pub stands: Known<bool>,
        /// Why it does not stand, in words behind its name: `is Initiated: spoke has no peering back`; empty where it does.
        pub fault_words: String,
        /// Commands that make it stand; empty where a peering has to be deleted first. None of them takes anything away.
        pub mend_commands: Vec<Command>,
        /// Whether its two sides agree on the use of a gateway.
        pub transit: GatewayTransit,
    }
}

/// The names that expressions about this kind start with.
pub fn roots() -> Vec<(&'static str, &'static RecordType)> {
    vec![("peering", Peering::describe())]
}

/// Calls `visit` for each subject, from several threads.
pub fn each(context: Context<'_>, visit: &(dyn Fn(&Subject<'_>) + Sync)) {
    let estate = Estate::of(context.inventory);
    context.inventory.peerings.rows().par_iter().for_each(|row| {
        let pair = estate.pair(row);
        if !pair.is_subject() {
            return;
        }
        let facts = facts_of(&pair);
        let identity = Identity {
            kind: SubjectKind::Peering,
            id: row.id.clone(),
            name: facts.name.clone(),
            element: None,
            location: row.location.as_deref().map(str::to_owned),
        };
        visit(&Subject { identity, roots: vec![&facts] });
    });
}

/// How to get a field that the input lacks.
fn how(id: &ResourceId) -> String {
    format!("add the peering as a GET gives it (`az resource show --ids {id}`)")
}

/// The text, without white space around it; blank counts as absent.
fn text(field: &Option<Box<str>>) -> Option<&str> {
    field.as_deref().map(str::trim).filter(|it| !it.is_empty())
}

/// A word out of a list, in any letter case; unread where it is absent or not in the list.
fn word_of(word: Option<&str>, list: &[&'static str], what: &str, id: &ResourceId) -> Known<&'static str> {
    let what = format!("the {what} of the peering `{}`", id.qualified_name());
    let Some(word) = word else { return Err(Unread::new(what, how(id))) };
    let known = list.iter().find(|it| it.eq_ignore_ascii_case(word)).copied();
    known.ok_or_else(|| Unread::new(format!("{what} (azaudit does not know `{word}`)"), how(id)))
}

const CONNECTED: &str = "Connected";
const INITIATED: &str = "Initiated";
const DISCONNECTED: &str = "Disconnected";
const IN_SYNC: &str = "FullyInSync";

/// Whether the peering is connected.
fn connected(peering: &Resource<ArmPeering>) -> Known<bool> {
    let state = text(&peering.properties.peering_state);
    word_of(state, &[CONNECTED, INITIATED, DISCONNECTED], "state", &peering.id).map(|it| it == CONNECTED)
}

fn in_sync(peering: &Resource<ArmPeering>) -> Known<bool> {
    let levels = [IN_SYNC, "LocalNotInSync", "RemoteNotInSync", "LocalAndRemoteNotInSync"];
    match text(&peering.properties.peering_sync_level) {
        None => Ok(true),
        level => word_of(level, &levels, "sync level", &peering.id).map(|it| it == IN_SYNC),
    }
}

fn facts_of(pair: &Pair<'_>) -> Peering {
    let (row, id) = (pair.here, &pair.here.id);
    let (connected, in_sync) = (connected(row), in_sync(row));
    let remote = target(&row.properties.remote_virtual_network);
    let state = text(&row.properties.peering_state);
    let sync_level = text(&row.properties.peering_sync_level);
    let other = remote.map_or("the other network", |it| it.name());
    let mut faults = Vec::new();
    let mut mend_commands = Vec::new();
    if connected == Ok(false) {
        let state = state.unwrap_or_default();
        let initiated = state.eq_ignore_ascii_case(INITIATED);
        faults.push(match (initiated, &pair.back) {
            (true, Ok(None)) => format!("is {state}: {other} has no peering back"),
            (true, _) => format!("is {state}: {other} has not answered with a peering back"),
            (false, _) => format!("is {state}: its counterpart in {other} was deleted"),
        });
        // Nobody but Azure creates peerings of a Virtual WAN hub.
        let lacks_one = initiated && !pair.with_hub && !matches!(pair.back, Ok(Some(_)));
        mend_commands.extend(create_back(pair).filter(|_| lacks_one));
    }
    if in_sync == Ok(false) {
        let level = sync_level.unwrap_or_default();
        faults.push(format!("is {level}: address ranges changed, and it was not synced"));
        let back = pair.back.as_ref().ok().copied().flatten();
        mend_commands.extend([Some(row), back].into_iter().flatten().map(|it| peering_command("sync", &it.id, &[])));
    }
    Peering {
        name: id.qualified_name(),
        virtual_network: id.parent().map(|it| it.name().to_owned()).unwrap_or_default(),
        remote_network: remote.map(|it| it.name().to_owned()),
        resource_group: id.resource_group().to_owned(),
        subscription: id.subscription().to_owned(),
        state: word_of(state, &[CONNECTED, INITIATED, DISCONNECTED], "state", id).map(str::to_owned),
        sync_level: sync_level.map(str::to_owned),
        stands: match (connected, in_sync) {
            (Ok(false), _) | (_, Ok(false)) => Ok(false),
            (Err(unread), _) | (_, Err(unread)) => Err(unread),
            (Ok(true), Ok(true)) => Ok(true),
        },
        fault_words: faults.join(" and "),
        mend_commands,
        transit: transit::of(pair),
    }
}

/// Creates the peering of the other side, which uses or offers a gateway where this side offers or asks for one.
fn create_back(pair: &Pair<'_>) -> Option<Command> {
    let (here, there) = (pair.here.id.parent()?, target(&pair.here.properties.remote_virtual_network)?);
    let name = format!("{}-to-{}", there.name(), here.name());
    let mut peer = vec!["--remote-vnet", here.as_str(), "--allow-vnet-access"];
    // A network with a gateway of its own cannot use another's.
    if offers(pair.here) && pair.near.has_gateway == Ok(true) && pair.far.has_gateway == Ok(false) {
        peer.push("--use-remote-gateways");
    }
    if asks(pair.here) {
        peer.push("--allow-gateway-transit");
    }
    Some(peering_command("create", &there.child("virtualNetworkPeerings", &name), &peer))
}

/// `az network vnet peering VERB` about that peering.
fn peering_command(verb: &str, peering: &ResourceId, arguments: &[&str]) -> Command {
    let network = peering.parent();
    let name = ["--vnet-name", network.as_ref().map_or("", |it| it.name()), "--name", peering.name()];
    az(&format!("network vnet peering {verb}"), peering, &[&name, arguments].concat())
}
