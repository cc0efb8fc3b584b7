//! Commands that close the port to the Internet. None of them opens anything: they add a Deny, narrow an Allow for
//! everybody to the network, or attach an empty group.

use std::sync::Arc;

use crate::facts::address::AddressSet;
use crate::facts::command::Command;
use crate::facts::nsg::{Access, Decision, LevelName, Rule};
use crate::facts::way_in::WayInKind;
use crate::inventory::ResourceId;

use super::exposure::{Site, Witness};

/// The commands; none where a firewall or an admin rule has to be mended, or nobody gets in.
pub(super) fn commands(
    site: &Site<'_>,
    addresses: &AddressSet,
    witness: Option<&Witness<'_>>,
    decisions: &[Decision<'_>],
) -> Vec<Command> {
    let Some(witness) = witness.filter(|_| !addresses.is_empty()) else { return Vec::new() };
    // Behind a firewall the rules see the firewall alone: its DNAT rule is what has to be narrowed.
    if witness.way.kind == WayInKind::FirewallDnat {
        return Vec::new();
    }
    if decisions.iter().any(|it| it.rule.is_some_and(|rule| rule.access == Some(Access::AlwaysAllow))) {
        return Vec::new();
    }
    let groups: Vec<_> = decisions.iter().rev().filter(|it| it.level != LevelName::Admin).collect();
    // One closed level is enough: the interface's touches no other machine.
    let level = groups.iter().find(|it| it.rule.is_some_and(|rule| !rule.default)).or(groups.first());
    match level.copied() {
        Some(Decision { group, rule: Some(rule), .. }) => close(site, &group.id, &group.inbound, rule),
        Some(_) => Vec::new(),
        None => attach(&site.found.endpoint.interface, site.found.location),
    }
}

fn words(command: &str, id: &ResourceId) -> Vec<String> {
    let mut words: Vec<String> = command.split(' ').map(str::to_owned).collect();
    for (option, value) in [("--subscription", id.subscription()), ("--resource-group", id.resource_group())] {
        words.extend([option.to_owned(), value.to_owned()]);
    }
    words
}

fn close(site: &Site<'_>, group: &ResourceId, rules: &[Arc<Rule>], rule: &Rule) -> Vec<Command> {
    let sources = &rule.remote.addresses;
    let tag = &site.place.virtual_network;
    // `VirtualNetwork` narrows only what was open to all, and only where no route makes the tag mean everything.
    let narrows = (sources.any || sources.unclear) && tag.unread.is_empty() && !tag.addresses.meets(&site.place.public);
    let mut update = words("az network nsg rule update", group);
    update.extend(["--nsg-name", group.name(), "--name", &rule.name].map(str::to_owned));
    if !rule.default && narrows && rule.local.ports.only(site.port) {
        update.extend(["--source-address-prefixes", "VirtualNetwork"].map(str::to_owned));
        return vec![Command::new(update)];
    }
    let first = rule.priority.unwrap_or(4097).min(4097);
    let taken = |priority: &i64| !rules.iter().any(|rule| rule.priority == Some(*priority));
    let name = format!("deny-internet-{}", site.port);
    let named = rules.iter().any(|rule| rule.name.eq_ignore_ascii_case(&name));
    match (100..first).rev().find(taken).filter(|_| !named) {
        Some(priority) => {
            let mut create = words("az network nsg rule create", group);
            let (priority, port) = (priority.to_string(), site.port.to_string());
            let options =
                ["--nsg-name", group.name(), "--name", &name, "--priority", &priority, "--direction", "Inbound"];
            create.extend(options.map(str::to_owned));
            let options = ["--access", "Deny", "--protocol", "*", "--source-address-prefixes", "Internet"];
            create.extend(options.map(str::to_owned));
            create.extend(["--destination-port-ranges", &port].map(str::to_owned));
            vec![Command::new(create)]
        }
        None if !rule.default => {
            update.extend(["--access", "Deny"].map(str::to_owned));
            vec![Command::new(update)]
        }
        None => Vec::new(),
    }
}

/// A group without rules of its own keeps the Internet out.
fn attach(interface: &ResourceId, location: Option<&str>) -> Vec<Command> {
    if interface.resource_type().as_deref() != Some("microsoft.network/networkinterfaces") {
        return Vec::new();
    }
    let name = format!("{}-nsg", interface.name());
    let mut create = words("az network nsg create", interface);
    create.extend(["--name".to_owned(), name.clone()]);
    if let Some(location) = location {
        create.extend(["--location".to_owned(), location.to_owned()]);
    }
    let mut update = words("az network nic update", interface);
    update.extend(["--name", interface.name(), "--network-security-group", &name].map(str::to_owned));
    vec![Command::new(create), Command::new(update)]
}
