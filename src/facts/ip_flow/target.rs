//! Which interface is asked about.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use super::Question;
use crate::facts::address;
use crate::facts::network_index::{NetworkIndex, scale_sets_with_machines};
use crate::facts::rdp_endpoint::subjects::{Found, of_interface, of_model};
use crate::inventory::network::target;
use crate::inventory::{Inventory, ResourceId};
use crate::visible::visible;

const SCALE_SET: &str = "microsoft.compute/virtualmachinescalesets";
/// How many names, addresses and ids an error lists.
const LISTED: usize = 10;
/// From this likeness on a name is a near one.
const NEAR: f64 = 0.8;

/// Which machine or interface is asked about. Without either, the interface that has the local address.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Name or id of a machine or of a scale set.
    pub vm: Option<String>,
    /// Name or id of an interface.
    pub nic: Option<String>,
    /// The resource group that it is in.
    pub resource_group: Option<String>,
}

/// Why a question has no answer: the machine is not there, has not that address, or several have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    message: String,
    hint: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nhint: {}", self.message, self.hint)
    }
}

impl std::error::Error for Refusal {}

fn refusal(message: impl Into<String>, hint: impl Into<String>) -> Refusal {
    Refusal { message: message.into(), hint: hint.into() }
}

/// An IP configuration that may be meant.
pub(in crate::facts) struct Chosen<'a> {
    pub(in crate::facts) found: Found<'a>,
    /// The ids of the machine and of the scale set that it belongs to.
    machines: Vec<&'a ResourceId>,
    /// Sets that machines of uniform scale sets belong to.
    sets: Vec<ResourceId>,
    pub(super) remarks: Vec<String>,
}

impl Chosen<'_> {
    /// The name of the machine, or of the scale set.
    pub(super) fn machine(&self) -> Option<String> {
        match (self.sets.first(), self.machines.first()) {
            (Some(set), Some(id)) if *id != set => Some(format!("{}/{}", set.name(), id.name())),
            (Some(set), _) => Some(set.name().to_owned()),
            (None, id) => id.map(|id| id.name().to_owned()),
        }
    }

    /// The ids of the machine and of the scale sets that it belongs to.
    pub(in crate::facts) fn machine_ids(&self) -> impl Iterator<Item = &ResourceId> {
        self.machines.iter().copied().chain(&self.sets)
    }
}

/// Whether that is the resource of that name or id.
pub(in crate::facts) fn is(id: &ResourceId, asked: &str) -> bool {
    match asked.contains('/') {
        true => *id == ResourceId::new(asked),
        false => id.name().to_lowercase() == asked.trim().to_lowercase(),
    }
}

/// The IP configuration that has the local address.
pub(super) fn choose<'a>(index: &NetworkIndex<'a>, question: &Question) -> Result<Chosen<'a>, Refusal> {
    let asked = &question.target;
    let mut there = all(index.inventory());
    if there.is_empty() {
        let hint = "export network interfaces too (`az network nic list`), or name a subscription that has any";
        return Err(refusal("there is no network interface in what was read", hint));
    }
    if let Some(nic) = &asked.nic {
        let names = there.iter().map(|it| it.found.endpoint.interface.name().to_owned()).collect();
        there.retain(|it| is(&it.found.endpoint.interface, nic));
        if there.is_empty() {
            return Err(not_found("network interface", nic, &names));
        }
    }
    if let Some(vm) = &asked.vm {
        let names = there.iter().flat_map(Chosen::machine_ids).map(|id| id.name().to_owned()).collect();
        there.retain(|it| it.machine_ids().any(|id| is(id, vm)));
        if there.is_empty() {
            return Err(without_interface(index.inventory(), vm).unwrap_or_else(|| not_found("machine", vm, &names)));
        }
    }
    if let Some(group) = &asked.resource_group {
        in_group(&mut there, asked, group)?;
    }
    with_address(there, index, question)
}

/// All IP configurations that there are, also in the models of scale sets.
pub(in crate::facts) fn all(inventory: &Inventory) -> Vec<Chosen<'_>> {
    let mut by_interface: HashMap<&ResourceId, Vec<&ResourceId>> = HashMap::new();
    for machine in inventory.virtual_machines.iter() {
        let interfaces = machine.properties.network_profile.iter().flat_map(|it| &it.network_interfaces);
        for interface in interfaces.filter_map(|it| it.id.as_ref()) {
            by_interface.entry(interface).or_default().push(&machine.id);
        }
    }
    let with_machines: HashSet<ResourceId> = scale_sets_with_machines(inventory);
    let models = inventory.scale_sets.iter().filter(|set| !with_machines.contains(&set.id)).flat_map(of_model);
    let found = inventory.network_interfaces.iter().flat_map(of_interface).chain(models);
    let chosen = found.map(|found| {
        let interface = &found.endpoint.interface;
        let mut machines: Vec<&ResourceId> = found.machine.into_iter().collect();
        machines.extend(by_interface.get(interface).into_iter().flatten().filter(|id| found.machine != Some(**id)));
        let flexible = machines.iter().filter_map(|id| inventory.virtual_machines.get(id));
        let flexible = flexible.filter_map(|vm| target(&vm.properties.virtual_machine_scale_set).cloned());
        let uniform = machines.iter().copied().chain([interface]).filter_map(|id| id.ancestor(SCALE_SET));
        let sets: BTreeSet<ResourceId> = flexible.chain(uniform).collect();
        Chosen { machines, sets: sets.into_iter().collect(), found, remarks: Vec::new() }
    });
    chosen.collect()
}

pub(in crate::facts) fn not_found(kind: &str, asked: &str, names: &BTreeSet<String>) -> Refusal {
    let lower = asked.to_lowercase();
    let mut near: Vec<(f64, &String)> =
        names.iter().map(|name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), name)).collect();
    near.retain(|(likeness, _)| *likeness > NEAR);
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let near: Vec<&str> = near.iter().take(3).map(|(_, name)| name.as_str()).collect();
    let hint = match (near.is_empty(), names.is_empty()) {
        (false, _) => format!("did you mean {}?", listed(near, " or ")),
        (true, false) => format!("there are {}", listed(names.iter().map(String::as_str).collect(), ", ")),
        (true, true) => format!("there is no {kind} at all in it"),
    };
    refusal(format!("there is no {kind} `{}` in what was read", visible(asked)), hint)
}

fn listed(names: Vec<&str>, between: &str) -> String {
    let shown: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{}`", visible(name))).collect();
    let rest = names.len().saturating_sub(LISTED);
    let rest = if rest > 0 { format!(", and {rest} more") } else { String::new() };
    format!("{}{rest}", shown.join(between))
}

/// A machine that was read while its interfaces were not.
fn without_interface(inventory: &Inventory, vm: &str) -> Option<Refusal> {
    if inventory.scale_sets.iter().any(|set| is(&set.id, vm)) {
        let message = format!("the interfaces of the scale set `{}` were not read", visible(vm));
        return Some(refusal(message, "export it with its `networkProfile`, or with the interfaces of its machines"));
    }
    let machine = inventory.virtual_machines.iter().find(|machine| is(&machine.id, vm))?;
    let interfaces = machine.properties.network_profile.iter().flat_map(|it| &it.network_interfaces);
    let ids: Vec<&str> = interfaces.filter_map(|it| it.id.as_ref()).map(ResourceId::as_str).collect();
    let message = format!("the interfaces of `{}` were not read", visible(&machine.name));
    Some(match ids.is_empty() {
        true => refusal(message, "export the network interfaces too (`az network nic list`)"),
        false => refusal(message, format!("export {} too, or grant Reader there", listed(ids, " and "))),
    })
}

fn in_group(there: &mut Vec<Chosen<'_>>, asked: &Target, group: &str) -> Result<(), Refusal> {
    let groups_of = |it: &Chosen<'_>| -> Vec<String> {
        let interface = &it.found.endpoint.interface;
        let ids: Vec<&ResourceId> = match (&asked.vm, &asked.nic) {
            (Some(vm), _) => it.machine_ids().filter(|id| is(id, vm)).collect(),
            (None, Some(_)) => vec![interface],
            (None, None) => it.machine_ids().chain([interface]).collect(),
        };
        ids.into_iter().map(|id| id.resource_group().to_owned()).collect()
    };
    let groups: BTreeSet<String> = there.iter().flat_map(groups_of).collect();
    there.retain(|it| groups_of(it).iter().any(|it| it.to_lowercase() == group.to_lowercase()));
    if !there.is_empty() {
        return Ok(());
    }
    let what = asked.nic.as_ref().or(asked.vm.as_ref());
    let what = what.map_or("no network interface is".to_owned(), |name| format!("`{}` is not", visible(name)));
    let hint = format!("what was read is in {}", listed(groups.iter().map(String::as_str).collect(), ", "));
    Err(refusal(format!("{what} in the resource group `{}`", visible(group)), hint))
}

fn with_address<'a>(
    there: Vec<Chosen<'a>>,
    index: &NetworkIndex<'a>,
    question: &Question,
) -> Result<Chosen<'a>, Refusal> {
    let local = question.local.address;
    let point = address::point(local);
    let named = question.target.vm.as_ref().or(question.target.nic.as_ref());
    let known: Vec<address::Point> = there.iter().filter_map(|it| it.found.endpoint.private).collect();
    let unread = there.iter().filter(|it| it.found.endpoint.private.is_none());
    let unread = unread.flat_map(|it| index.place(it.found.endpoint.subnet).prefixes.prefixes());
    let ranges: BTreeSet<String> = unread.map(|prefix| prefix.to_string()).collect();
    let (mut has, rest): (Vec<_>, Vec<_>) = there.into_iter().partition(|it| it.found.endpoint.private == Some(point));
    if has.is_empty() {
        let unread = rest.into_iter().filter(|it| {
            let endpoint = &it.found.endpoint;
            let family = endpoint.family == address::family(point);
            endpoint.private.is_none() && family && index.could_have(endpoint.subnet, point)
        });
        has = unread.collect();
        for it in &mut has {
            let name = visible(it.found.endpoint.interface.name()).into_owned();
            it.remarks.push(format!("the private address of `{name}` was not read: it is taken for {local}"));
        }
    }
    let ids: BTreeSet<&ResourceId> = has.iter().map(|it| &it.found.endpoint.interface).collect();
    if ids.len() > 1 {
        let ids = listed(ids.into_iter().map(ResourceId::as_str).collect(), ", ");
        let message = format!("{local} may be the address of several network interfaces: {ids}");
        return Err(refusal(message, "say which one with --nic ID"));
    }
    has.into_iter().next().ok_or_else(|| {
        let known: BTreeSet<address::Point> = known.into_iter().collect();
        let texts: Vec<String> = known.iter().map(|point| address::address(*point).to_string()).collect();
        let addresses = listed(texts.iter().map(String::as_str).collect(), ", ");
        let (message, whose) = match named {
            Some(name) => (format!("{local} is no private address of `{}`", visible(name)), "its addresses"),
            None => (format!("no network interface has the private address {local}"), "the addresses of interfaces"),
        };
        match (texts.is_empty(), ranges.is_empty()) {
            (false, _) => refusal(message, format!("{whose}: {addresses}")),
            (true, true) => refusal(message, "the addresses of the interfaces were not read: export them again"),
            (true, false) => {
                let ranges = listed(ranges.iter().map(String::as_str).collect(), ", ");
                refusal(message, format!("{whose} were not read, but lie in {ranges}"))
            }
        }
    })
}
