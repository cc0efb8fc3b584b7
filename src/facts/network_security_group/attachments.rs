//! What network security groups are attached to: subnets, interfaces and models of scale sets.

use std::collections::{BTreeMap, HashMap};

use crate::facts::address::{self, Point};
use crate::facts::network_index::incomplete;
use crate::facts::schema::Unread;
use crate::inventory::network::{NetworkInterface, NetworkSecurityGroup, target};
use crate::inventory::{Inventory, Resource, ResourceId};

/// Whatever could refer to a group: the type, and the words for a list of it.
const HOLDERS: [(&str, &str); 4] = [
    ("microsoft.network/networkinterfaces", "network interfaces"),
    ("microsoft.network/virtualnetworks", "virtual networks"),
    ("microsoft.network/virtualnetworks/subnets", "subnets"),
    ("microsoft.compute/virtualmachinescalesets", "scale sets"),
];

/// The places that one group filters.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// What it is attached to, each with words for a person: `` the subnet `vnet/apps` ``. `None`: not named.
    pub holders: BTreeMap<Option<ResourceId>, String>,
    /// The subnets, each with the addresses of those interfaces in it that the group filters; `None`: in subnets that
    /// were not read.
    pub subnets: BTreeMap<Option<ResourceId>, Vec<Point>>,
}

impl Places {
    fn add_subnet(&mut self, id: &ResourceId) {
        self.holders.insert(Some(id.clone()), format!("the subnet `{}`", id.qualified_name()));
        self.subnets.entry(Some(id.clone())).or_default();
    }

    fn add_interface(&mut self, interface: &Resource<NetworkInterface>) {
        self.holders.insert(Some(interface.id.clone()), of_interface(&interface.id));
        for configuration in interface.properties.ip_configurations.iter().map(|it| &it.properties) {
            let address = configuration.private_ip_address.as_deref().and_then(address::parse_address);
            self.subnets.entry(target(&configuration.subnet).cloned()).or_default().extend(address);
        }
    }

    fn add_unread(&mut self, id: Option<&ResourceId>, name: String) {
        self.holders.insert(id.cloned(), name);
        self.subnets.entry(None).or_default();
    }
}

/// The attachments of all groups of an estate.
#[derive(Debug)]
pub struct Attachments<'a> {
    inventory: &'a Inventory,
    by_group: HashMap<&'a ResourceId, Places>,
}

impl<'a> Attachments<'a> {
    /// Finds them by what refers to a group.
    pub fn new(inventory: &'a Inventory) -> Self {
        let mut by_group: HashMap<_, Places> = HashMap::new();
        for subnet in inventory.subnets.iter() {
            if let Some(group) = target(&subnet.properties.network_security_group) {
                by_group.entry(group).or_default().add_subnet(&subnet.id);
            }
        }
        for interface in inventory.network_interfaces.iter() {
            if let Some(group) = target(&interface.properties.network_security_group) {
                by_group.entry(group).or_default().add_interface(interface);
            }
        }
        for set in inventory.scale_sets.iter() {
            let profile = set.properties.virtual_machine_profile.as_ref().and_then(|it| it.network_profile.as_ref());
            for interface in profile.into_iter().flat_map(|it| &it.network_interface_configurations) {
                let Some(group) = target(&interface.properties.network_security_group) else { continue };
                let places = by_group.entry(group).or_default();
                places.holders.insert(Some(set.id.clone()), format!("the model of the scale set `{}`", set.name));
                for configuration in &interface.properties.ip_configurations {
                    places.subnets.entry(target(&configuration.properties.subnet).cloned()).or_default();
                }
            }
        }
        Self { inventory, by_group }
    }

    /// The places of that group: found by what refers to it, or said by the group itself.
    pub fn of(&self, group: &Resource<NetworkSecurityGroup>) -> Places {
        let mut places = self.by_group.get(&group.id).cloned().unwrap_or_default();
        for subnet in &group.properties.subnets {
            match &subnet.id {
                Some(id) => places.add_subnet(id),
                None => places.add_unread(None, "a subnet that is not named".to_owned()),
            }
        }
        for interface in &group.properties.network_interfaces {
            match interface.id.as_ref().map(|id| (id, self.inventory.network_interfaces.get(id))) {
                Some((id, _)) if places.holders.contains_key(&Some(id.clone())) => {}
                Some((_, Some(interface))) => places.add_interface(interface),
                Some((id, None)) => places.add_unread(Some(id), of_interface(id)),
                None => places.add_unread(None, "a network interface that is not named".to_owned()),
            }
        }
        places
    }

    /// Why the group may have further places: a list of what could refer to it was not read. All of it stands in the
    /// group's own subscription.
    pub fn unread(&self, group: &ResourceId) -> Option<Unread> {
        HOLDERS.into_iter().find_map(|(ty, kind)| incomplete(self.inventory, ty, kind, group.subscription()))
    }
}

fn of_interface(id: &ResourceId) -> String {
    format!("the network interface `{}`", id.name())
}
