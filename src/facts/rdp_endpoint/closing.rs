//! Commands that close the port to the Internet. Each of them is an [`Edit`] that can only close; a plan is handed out
//! only if the rules, evaluated again with all of its edits made, certainly let nobody of the public in.

use crate::facts::command::{Command, az};
use crate::facts::network_index::NetworkIndex;
use crate::facts::nsg::{Access, Edit, Group, Level, Rule, Stack};
use crate::facts::way_in::WayIn;
use crate::inventory::ResourceId;

use super::reach::closes;
use super::site::Site;

/// How to close the port.
#[derive(Default)]
pub(super) struct Plan {
    pub commands: Vec<Command>,
    /// What they do, or why there are none.
    pub text: &'static str,
}

const CLOSED: &str =
    "The commands close the port to the Internet and open nothing; who needs it over the Internet today loses it.";
const CLOSED_AHEAD: &str = "The commands close the port to the Internet and open nothing.";
const ATTACHED: &str = "The commands attach a new network security group that keeps the Internet out, from all ports of \
    this machine: add to it what else has to stay open before you attach it.";
const ATTACHED_BESIDE_ROUTES: &str = "The commands attach a new network security group that closes this port to the \
    Internet. A route makes the tag VirtualNetwork mean public addresses, so the other ports stay open to them.";
const BY_HAND: &str = "No change of one network security group closes it without touching other ports: narrow the admin \
    rule or the DNAT rule that lets them in, or give the Allow rules on this port a larger number and put a Deny for \
    the tag Internet before them.";

/// Commands that change a group that filters here already; the interface's comes first, as it touches no other machine.
/// They are the same for all that the groups cannot tell apart.
pub(super) fn in_groups(site: &Site<'_>, ways: &[WayIn]) -> Option<Vec<Command>> {
    let with_interface = |group: &Group| closes(site, &Stack { interface: Level::Group(group), ..site.stack }, ways);
    let with_subnet = |group: &Group| closes(site, &Stack { subnet: Level::Group(group), ..site.stack }, ways);
    let of = |level: Level<'_>, closes: &dyn Fn(&Group) -> bool| match level {
        Level::Group(group) => narrowing(site, group, closes).or_else(|| denying(site, group, closes)),
        Level::None | Level::Unread { .. } => None,
    };
    of(site.stack.interface, &with_interface).or_else(|| of(site.stack.subnet, &with_subnet))
}

/// The plan: those commands, else a group of its own; none where nobody is let in.
pub(super) fn plan(
    site: &Site<'_>,
    index: &NetworkIndex<'_>,
    ways: &[WayIn],
    open: bool,
    in_groups: &Option<Vec<Command>>,
) -> Plan {
    if !open {
        return Plan::default();
    }
    if let Some(commands) = in_groups {
        let text = if ways.is_empty() { CLOSED_AHEAD } else { CLOSED };
        return Plan { commands: commands.clone(), text };
    }
    let with_interface = |group: &Group| closes(site, &Stack { interface: Level::Group(group), ..site.stack }, ways);
    match attaching(site, index, ways, &with_interface) {
        Some((commands, text)) => Plan { commands, text },
        None => Plan { commands: Vec::new(), text: BY_HAND },
    }
}

fn command(group: &Group, edit: &Edit) -> Command {
    let rule = |verb: &str, name: &str, options: &[&str]| {
        let named = ["--nsg-name", group.id.name(), "--name", name];
        az(&format!("network nsg rule {verb}"), &group.id, &[&named, options].concat())
    };
    let name = |index: usize| &*group.inbound.list[index].name;
    match edit {
        Edit::Shut(index) => rule("update", name(*index), &["--access", "Deny"]),
        Edit::Remove(index) => rule("delete", name(*index), &[]),
        Edit::Narrow(index) => rule("update", name(*index), &["--source-address-prefixes", "VirtualNetwork"]),
        Edit::DenyInternet { name, priority, port } => {
            let (priority, port) = (priority.to_string(), port.to_string());
            let first = ["--priority", &priority, "--direction", "Inbound", "--access", "Deny", "--protocol", "*"];
            let ends = ["--source-address-prefixes", "Internet", "--destination-port-ranges", &port];
            rule("create", name, &[&first[..], &ends].concat())
        }
    }
}

/// Commands that take these Allow rules away, if all of them are for this port alone and that is enough.
pub(super) fn removing(
    site: &Site<'_>,
    rules: &[(&Group, &Rule)],
    enough: &dyn Fn(&Stack<'_>) -> bool,
) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut without = |level: Level<'_>| -> Option<Option<Group>> {
        let Level::Group(group) = level else { return Some(None) };
        let mut edited = group.clone();
        // From the last to the first, so that the places of the others stay.
        for (i, rule) in group.inbound.list.iter().enumerate().rev() {
            if !rules.iter().any(|(_, it)| std::ptr::eq(*it, rule.as_ref())) {
                continue;
            }
            if !rule.local.ports.only(site.port) {
                return None;
            }
            edited = edited.edited(&Edit::Remove(i))?;
            let command = command(group, &Edit::Remove(i));
            if !commands.contains(&command) {
                commands.push(command);
            }
        }
        Some(Some(edited))
    };
    let (Some(subnet), Some(interface)) = (without(site.stack.subnet), without(site.stack.interface)) else {
        return Vec::new();
    };
    let stack = Stack {
        subnet: subnet.as_ref().map_or(site.stack.subnet, Level::Group),
        interface: interface.as_ref().map_or(site.stack.interface, Level::Group),
        ..site.stack
    };
    if enough(&stack) { commands } else { Vec::new() }
}

/// Rules of its own that may let packets to the port on.
fn allows<'g>(site: &Site<'_>, group: &'g Group) -> impl Iterator<Item = (usize, &'g Rule)> {
    let port = site.port;
    let rules = group.inbound.list.iter().enumerate().map(|(i, rule)| (i, rule.as_ref()));
    rules.filter(move |(_, rule)| !rule.default && rule.access != Some(Access::Deny) && rule.local.ports.has(port).1)
}

/// Whether the tag `VirtualNetwork` certainly means nobody of the public: a route can make it mean everybody.
fn is_narrow(site: &Site<'_>) -> bool {
    let tag = &site.place.virtual_network;
    tag.unread.is_empty() && tag.tags.is_empty() && !tag.addresses.meets(&site.place.public)
}

/// Every Allow for this port alone and for any source is narrowed to the network.
fn narrowing(site: &Site<'_>, group: &Group, closes: &dyn Fn(&Group) -> bool) -> Option<Vec<Command>> {
    let open = |rule: &Rule| rule.remote.addresses.is_any() && rule.local.ports.only(site.port);
    let edits: Vec<Edit> = allows(site, group).filter(|(_, rule)| open(rule)).map(|(i, _)| Edit::Narrow(i)).collect();
    if edits.is_empty() || !is_narrow(site) {
        return None;
    }
    let edited = edits.iter().try_fold(group.clone(), |group, edit| group.edited(edit))?;
    closes(&edited).then(|| edits.iter().map(|edit| command(group, edit)).collect())
}

/// A Deny comes before every Allow; where no number is free there, Allows for this port alone are shut until one is.
fn denying(site: &Site<'_>, group: &Group, closes: &dyn Fn(&Group) -> bool) -> Option<Vec<Command>> {
    let allows = allows(site, group).map(|(i, rule)| Some((rule.priority?, i)));
    let mut allows = allows.collect::<Option<Vec<_>>>()?;
    allows.sort_unstable();
    let free = |priority: &i64| !group.inbound.list.iter().any(|rule| rule.priority == Some(*priority));
    let (mut edited, mut commands) = (group.clone(), Vec::new());
    for i in 0..=allows.len() {
        let next = allows.get(i);
        if let Some(priority) = (100..next.map_or(4097, |it| it.0.min(4097))).rev().find(free) {
            let edit = Edit::DenyInternet { name: free_name(group, site.port), priority, port: site.port };
            edited = edited.edited(&edit)?;
            commands.push(command(group, &edit));
            return closes(&edited).then_some(commands);
        }
        let index = next?.1;
        if !group.inbound.list[index].local.ports.only(site.port) {
            return None;
        }
        let edit = Edit::Shut(index);
        edited = edited.edited(&edit)?;
        commands.push(command(group, &edit));
        if closes(&edited) {
            return Some(commands);
        }
    }
    None
}

/// A name that no rule of the group has: to create a rule that exists is to overwrite it.
fn free_name(group: &Group, port: u16) -> String {
    let taken = |name: &String| {
        let names =
            group.inbound.list.iter().map(|rule| &rule.name).chain(group.outbound.list.iter().map(|rule| &rule.name));
        names.into_iter().any(|it| it.eq_ignore_ascii_case(name))
    };
    let first = format!("deny-internet-{port}");
    let more = (2_u32..).map(|i| format!("{first}-{i}"));
    std::iter::once(first.clone()).chain(more).find(|name| !taken(name)).unwrap_or(first)
}

/// A group without rules of its own keeps the Internet out, unless routes make the tag `VirtualNetwork` mean it.
fn attaching(
    site: &Site<'_>,
    index: &NetworkIndex<'_>,
    ways: &[WayIn],
    closes: &dyn Fn(&Group) -> bool,
) -> Option<(Vec<Command>, &'static str)> {
    let interface = &site.found.endpoint.interface;
    let is_interface = interface.resource_type().as_deref() == Some("microsoft.network/networkinterfaces");
    if !is_interface || !matches!(site.stack.interface, Level::None) {
        return None;
    }
    // Where nothing filters, Standard addresses stay closed: a group may open other ports of theirs to the network,
    // and to all that its tag means.
    let open_anyway = site.stack.has_group().0 || ways.iter().all(|way| way.closed_without_group == Ok(false));
    if !is_narrow(site) && !open_anyway {
        return None;
    }
    let of = |name: &str| {
        let text = interface.to_string();
        let end = text.to_ascii_lowercase().find("/providers/")?;
        let id = ResourceId::new(&format!("{}/providers/Microsoft.Network/networkSecurityGroups/{name}", &text[..end]));
        (!index.has_group(&id)).then_some(id)
    };
    let first = format!("{}-nsg", interface.name());
    let mut names = std::iter::once(first.clone()).chain((2_u32..1000).map(|i| format!("{first}-{i}")));
    let id = names.find_map(|name| of(&name))?;
    let empty = Group::of_rules(&id, &[], &[]);
    let mut named = vec!["--name", id.name()];
    named.extend(site.found.location.iter().flat_map(|location| ["--location", location]));
    let mut commands = vec![az("network nsg create", &id, &named)];
    if !closes(&empty) {
        let edit = Edit::DenyInternet { name: free_name(&empty, site.port), priority: 4096, port: site.port };
        if !closes(&empty.edited(&edit)?) {
            return None;
        }
        commands.push(command(&empty, &edit));
    }
    let text = if is_narrow(site) { ATTACHED } else { ATTACHED_BESIDE_ROUTES };
    let options = ["--name", interface.name(), "--network-security-group", id.name()];
    commands.push(az("network nic update", interface, &options));
    Some((commands, text))
}
