//! The RADIUS servers that a gateway asks about its clients.

use super::{Authentication, text};
use crate::facts::command::Command;
use crate::facts::schema::{Known, facts};
use crate::inventory::gateway::RadiusServer;

facts! {
    /// Whether a gateway can ask a RADIUS server about its clients.
    pub struct RadiusSetup {
        /// Whether RADIUS is one of the ways for clients to prove who they are.
        pub used: Known<bool>,
        /// The servers' addresses as written, each once; a blank one is none.
        pub servers: Known<Vec<String>>,
        /// Whether the SKU is Basic, which cannot ask RADIUS servers. Virtual WAN has no such SKU.
        pub on_basic: Known<bool>,
        /// What keeps it from asking, in words behind the gateway's name: `names no RADIUS server`; empty where nothing
        /// is known to.
        pub fault_words: String,
        /// Commands that create a gateway with another SKU, where it is Basic. None of them takes anything away.
        pub move_commands: Vec<Command>,
    }
}

/// The addresses of both fields: older API versions have the single one, newer ones write the first server into both.
pub(super) fn servers(single: &Option<Box<str>>, several: &[RadiusServer]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for server in [single].into_iter().chain(several.iter().map(|it| &it.radius_server_address)).filter_map(text) {
        if !all.iter().any(|it| it.eq_ignore_ascii_case(server)) {
            all.push(server.to_owned());
        }
    }
    all
}

pub(super) fn setup(
    authentication: &Known<Vec<Authentication>>,
    servers: Known<Vec<String>>,
    on_basic: Known<bool>,
    move_commands: &[Command],
) -> RadiusSetup {
    let used = authentication.as_ref().map(|it| it.contains(&Authentication::Radius)).map_err(Clone::clone);
    let mut faults = Vec::new();
    if servers.as_ref().is_ok_and(Vec::is_empty) {
        faults.push("names no RADIUS server");
    }
    if on_basic == Ok(true) {
        faults.push("is a Basic gateway, which cannot ask RADIUS servers");
    }
    let fault_words = faults.join(" and ");
    let move_commands = if on_basic == Ok(true) { move_commands.to_vec() } else { Vec::new() };
    RadiusSetup { used, servers, on_basic, fault_words, move_commands }
}
