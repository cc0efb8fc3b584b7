//! What the words of rules mean in each subnet of an estate, worked out once for all interfaces in it.

mod admin;
mod network;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::inventory::network::target;
use crate::inventory::{Inventory, Reference, ResourceId};

pub use network::{Network, Origin, OriginKind, is_hub, stands_for};

use super::address::{self, AddressSet, Point};
use super::nsg::{Group, Level, Members, Scope, Stack, VirtualNetworkTag};
use super::schema::Unread;
use super::service_tag::{PLATFORM, ServiceTags, Word};
use admin::{AdminUnread, admin_rules};
use network::networks;

const ADMIN_RULES: &str = "microsoft.network/effectivesecurityadminrules";
const INTERFACE: &str = "microsoft.network/networkinterfaces";
const NETWORK: &str = "microsoft.network/virtualnetworks";
const SCALE_SET: &str = "microsoft.compute/virtualmachinescalesets";

/// A resource that something refers to and that was not read.
pub fn missing(kind: &str, id: &ResourceId) -> Unread {
    let how = format!("add it to the export (`az resource show --ids {id}`), or grant Reader on it");
    Unread::new(format!("the {kind} `{}`", id.name()), how)
}

/// A whole list that could not be read.
pub fn incomplete(inventory: &Inventory, ty: &str, kind: &str, subscription: &str) -> Option<Unread> {
    let gap = inventory.incomplete(ty, subscription)?;
    let what = format!("the {kind} of `{}` ({})", gap.scope, gap.reason);
    Some(Unread::new(what, "grant Reader there and run again, or add them to the export"))
}

/// A subnet and what words mean in it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The network.
    pub network: Option<ResourceId>,
    /// The subnet's ranges.
    pub prefixes: AddressSet,
    /// The subnet's group.
    pub group: Attached,
    /// The tag `Internet`.
    pub internet: AddressSet,
    /// The tag `VirtualNetwork`.
    pub virtual_network: VirtualNetworkTag,
    /// Public addresses: neither private, nor reserved, nor of a connected network.
    pub public: AddressSet,
    /// Admin rules.
    pub admin: Attached,
}

/// What filters at one level.
#[derive(Clone, Debug, Default)]
pub enum Attached {
    /// Nothing.
    #[default]
    None,
    /// The group of that id, which was read (of admin rules: the network's id).
    Group(ResourceId),
    /// It is referred to, and was not read.
    Missing(Unread),
    /// Nobody knows whether there is any.
    Unknown(Unread),
}

/// The index over one estate.
#[derive(Debug)]
pub struct NetworkIndex<'a> {
    inventory: &'a Inventory,
    groups: HashMap<&'a ResourceId, Group>,
    admin: HashMap<ResourceId, Group>,
    networks: HashMap<ResourceId, Network>,
    places: HashMap<ResourceId, Place>,
    nowhere: Place,
    members: HashMap<ResourceId, Members>,
    members_unread: Option<Unread>,
    /// Private addresses of interfaces, each with its network.
    taken: HashSet<(ResourceId, Point)>,
    service_tags: Arc<ServiceTags>,
}

impl<'a> NetworkIndex<'a> {
    /// Works it out.
    pub fn new(inventory: &'a Inventory, service_tags: impl Into<Arc<ServiceTags>>) -> Self {
        let groups = inventory.network_security_groups.rows().par_iter();
        let (admin, admin_unread) = admin_rules(inventory);
        let mut index = Self {
            inventory,
            groups: groups.map(|group| (&group.id, Group::new(group))).collect(),
            networks: networks(inventory),
            places: HashMap::new(),
            nowhere: nowhere(),
            members: members(inventory),
            members_unread: incomplete(inventory, INTERFACE, "network interfaces", ""),
            taken: taken(inventory),
            service_tags: service_tags.into(),
            admin,
        };
        let subnets: BTreeSet<&ResourceId> = subnets(inventory).collect();
        index.places = subnets.into_iter().map(|id| (id.clone(), index.new_place(id, &admin_unread))).collect();
        index
    }

    /// The typed resources.
    pub fn inventory(&self) -> &'a Inventory {
        self.inventory
    }

    /// The place of that subnet; an IP configuration without one stands nowhere that is known.
    pub fn place(&self, subnet: Option<&ResourceId>) -> &Place {
        subnet.and_then(|id| self.places.get(id)).unwrap_or(&self.nowhere)
    }

    /// The network of that id, where anything is known of it.
    pub fn network(&self, id: &ResourceId) -> Option<&Network> {
        self.networks.get(id)
    }

    /// Whether an interface whose private address was not read could have that one: it lies in its subnet, and no
    /// other interface of the network has it.
    pub fn could_have(&self, subnet: Option<&ResourceId>, address: Point) -> bool {
        let place = self.place(subnet);
        let inside = place.prefixes.is_empty() || place.prefixes.contains(address);
        inside && !place.network.as_ref().is_some_and(|network| self.taken.contains(&(network.clone(), address)))
    }

    /// What a reference to a group leads to.
    pub fn attached(&self, group: &Option<Reference>) -> Attached {
        match target(group) {
            None => Attached::None,
            Some(id) if self.groups.contains_key(id) => Attached::Group(id.clone()),
            Some(id) => Attached::Missing(missing("network security group", id)),
        }
    }

    /// The group of that id, if it was read.
    pub fn group(&self, id: &ResourceId) -> Option<&Group> {
        self.groups.get(id)
    }

    /// Whether a group of that id was read.
    pub fn has_group(&self, id: &ResourceId) -> bool {
        self.groups.contains_key(id)
    }

    /// All that filters what comes to an interface with that group in that place.
    pub fn stack<'s>(&'s self, place: &'s Place, interface: &'s Attached) -> Stack<'s> {
        Stack {
            admin: self.level(&place.admin, true),
            subnet: self.level(&place.group, false),
            interface: self.level(interface, false),
            scope: Scope {
                internet: &place.internet,
                virtual_network: &place.virtual_network,
                members: &self.members,
                members_unread: self.members_unread.as_ref(),
                service_tags: &self.service_tags,
            },
        }
    }

    fn level<'s>(&'s self, attached: &'s Attached, admin: bool) -> Level<'s> {
        match attached {
            Attached::None => Level::None,
            Attached::Group(id) => {
                let group = if admin { self.admin.get(id) } else { self.groups.get(id) };
                group.map_or(Level::None, Level::Group)
            }
            Attached::Missing(unread) => Level::Unread { unread, exists: true },
            Attached::Unknown(unread) => Level::Unread { unread, exists: false },
        }
    }

    fn new_place(&self, id: &ResourceId, admin_unread: &AdminUnread) -> Place {
        let network_id = id.ancestor(NETWORK);
        let none = Network::default();
        let network = network_id.as_ref().and_then(|id| self.networks.get(id)).unwrap_or(&none);
        let mut place = Place { network: network_id, ..nowhere() };
        let public = place.public.difference(&network.connected);
        place.internet = public.clone();
        place.public = public;
        let mut tag = VirtualNetworkTag { addresses: network.linked.clone(), ..VirtualNetworkTag::default() };
        tag.unread.extend(network.unread.iter().map(|unread| (address::private().clone(), unread.clone())));
        match self.inventory.subnets.get(id) {
            Some(subnet) => {
                place.group = self.attached(&subnet.properties.network_security_group);
                place.prefixes = subnet_prefixes(&subnet.properties);
                self.add_routes(&subnet.properties.route_table, &mut tag);
            }
            None => {
                let unread = missing("subnet", id);
                place.group = Attached::Unknown(unread.clone());
                tag.unread.push((AddressSet::all(), unread));
            }
        }
        place.virtual_network = tag;
        place.admin = Attached::None;
        if let Some(network) = &place.network {
            let gap = admin_unread.gaps.get(&network.subscription().to_lowercase());
            let unread = admin_unread.networks.get(network).or(admin_unread.everywhere.as_ref()).or(gap);
            place.admin = match unread {
                Some(unread) => Attached::Unknown(unread.clone()),
                None if self.admin.contains_key(network) => Attached::Group(network.clone()),
                None => Attached::None,
            };
        }
        place
    }

    /// Prefixes of user-defined routes are part of the tag `VirtualNetwork`, whatever their next hop.
    fn add_routes(&self, table: &Option<Reference>, tag: &mut VirtualNetworkTag) {
        let Some(id) = target(table) else { return };
        let Some(table) = self.inventory.route_tables.get(id) else {
            tag.unread.push((AddressSet::all(), missing("route table", id)));
            return;
        };
        for route in &table.properties.routes {
            let text = route.properties.address_prefix.as_deref().unwrap_or_default().trim();
            let prefix = address::parse(text).or_else(|| (text == "*").then(AddressSet::all));
            match (prefix, Word::new(text)) {
                (Some(prefix), _) => tag.addresses = tag.addresses.union(&prefix),
                (None, Some(Word::Internet)) => {
                    tag.addresses = tag.addresses.union(address::public());
                }
                (None, Some(Word::Tag(it))) => match self.service_tags.get(&it) {
                    Some(prefixes) => tag.addresses = tag.addresses.union(prefixes),
                    None => tag.tags.push(it),
                },
                (None, Some(_)) => {}
                (None, None) => {
                    let what = format!("the prefix `{text}` of the route `{}` of `{}`", route.name, table.name);
                    let how = "correct the route, or read the route table again";
                    tag.unread.push((AddressSet::all(), Unread::new(what, how)));
                }
            }
        }
    }
}

/// A subnet's ranges; the singular and the plural field count together.
pub fn subnet_prefixes(subnet: &crate::inventory::network::Subnet) -> AddressSet {
    AddressSet::from_texts(subnet.address_prefix.iter().chain(&subnet.address_prefixes).map(|text| &**text))
}

/// Where an IP configuration stands whose subnet is not named.
fn nowhere() -> Place {
    let how = "export the interface with its IP configurations' subnets";
    let unread = Unread::new("the subnet of the IP configuration", how);
    // Azure's platform is part of every network.
    let public = address::public().difference(&AddressSet::from_texts([PLATFORM]));
    Place {
        network: None,
        prefixes: AddressSet::EMPTY,
        group: Attached::Unknown(unread.clone()),
        internet: public.clone(),
        public,
        virtual_network: VirtualNetworkTag { unread: vec![(AddressSet::all(), unread)], ..Default::default() },
        admin: Attached::None,
    }
}

/// All subnets that there are, or that an interface says it stands in.
fn subnets(inventory: &Inventory) -> impl Iterator<Item = &ResourceId> {
    let interfaces = inventory.network_interfaces.iter().flat_map(|it| &it.properties.ip_configurations);
    let interfaces = interfaces.filter_map(|it| target(&it.properties.subnet));
    let models = inventory.scale_sets.iter().filter_map(|set| set.properties.virtual_machine_profile.as_ref());
    let models = models.filter_map(|profile| profile.network_profile.as_ref());
    let models = models.flat_map(|profile| &profile.network_interface_configurations);
    let models = models.flat_map(|it| &it.properties.ip_configurations);
    let models = models.filter_map(|it| target(&it.properties.subnet));
    inventory.subnets.iter().map(|subnet| &subnet.id).chain(interfaces).chain(models)
}

fn taken(inventory: &Inventory) -> HashSet<(ResourceId, Point)> {
    let interfaces = inventory.network_interfaces.iter().flat_map(|it| &it.properties.ip_configurations);
    let taken = interfaces.map(|it| &it.properties).filter_map(|it| {
        let address = address::parse_address(it.private_ip_address.as_deref()?)?;
        Some((target(&it.subnet)?.ancestor(NETWORK)?, address))
    });
    taken.collect()
}

fn members(inventory: &Inventory) -> HashMap<ResourceId, Members> {
    #[derive(Default)]
    struct Found {
        addresses: Vec<(Point, Point)>,
        possible: Vec<(Point, Point)>,
        unread: Option<Unread>,
    }
    let mut found: HashMap<ResourceId, Found> = HashMap::new();
    let mut join =
        |groups: &[Reference], address: Option<Point>, subnet: &Option<Reference>, interface: &ResourceId| {
            for group in groups.iter().filter_map(|group| group.id.as_ref()) {
                let found = found.entry(group.clone()).or_default();
                match address {
                    Some(address) => found.addresses.push((address, address)),
                    None => {
                        let subnet = target(subnet).and_then(|id| inventory.subnets.get(id));
                        let prefixes = subnet.map(|subnet| subnet_prefixes(&subnet.properties));
                        let prefixes = prefixes.filter(|prefixes| !prefixes.is_empty());
                        found.possible.extend(prefixes.as_ref().unwrap_or(address::private()).ranges());
                        found.unread = Some(private_address(interface));
                    }
                }
            }
        };
    for interface in inventory.network_interfaces.iter() {
        for it in interface.properties.ip_configurations.iter().map(|it| &it.properties) {
            let address = it.private_ip_address.as_deref().and_then(address::parse_address);
            join(&it.application_security_groups, address, &it.subnet, &interface.id);
        }
    }
    let with_machines = scale_sets_with_machines(inventory);
    for set in inventory.scale_sets.iter().filter(|set| !with_machines.contains(&set.id)) {
        let profile = set.properties.virtual_machine_profile.as_ref();
        let profile = profile.and_then(|profile| profile.network_profile.as_ref());
        for interface in profile.into_iter().flat_map(|profile| &profile.network_interface_configurations) {
            for it in interface.properties.ip_configurations.iter().map(|it| &it.properties) {
                join(&it.application_security_groups, None, &it.subnet, &set.id);
            }
        }
    }
    let members = found.into_iter().map(|(group, mut found)| {
        // Interfaces that were refused may be members too.
        if let Some(unread) = incomplete(inventory, INTERFACE, "network interfaces", group.subscription()) {
            found.possible.extend(address::private().ranges());
            found.unread = Some(unread);
        }
        let members = Members {
            addresses: AddressSet::from_ranges(found.addresses),
            possible: AddressSet::from_ranges(found.possible),
            unread: found.unread,
        };
        (group, members)
    });
    members.collect()
}

/// The private address of an interface that does not say it.
pub fn private_address(interface: &ResourceId) -> Unread {
    let what = format!("the private address of `{}`", interface.name());
    Unread::new(what, format!("read the interface with its addresses (`az resource show --ids {interface}`)"))
}

/// Scale sets of which interfaces, or machines with interfaces of their own, were read. Of the others only the model is
/// known.
pub fn scale_sets_with_machines(inventory: &Inventory) -> HashSet<ResourceId> {
    let flexible = inventory.virtual_machines.iter().map(|vm| &vm.properties.virtual_machine_scale_set);
    let flexible = flexible.filter_map(target).cloned();
    let uniform = inventory.network_interfaces.iter().filter_map(|it| it.id.ancestor(SCALE_SET));
    uniform.chain(flexible).collect()
}
