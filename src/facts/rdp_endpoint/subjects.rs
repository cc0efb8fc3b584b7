//! Which IP configurations there are, and which machines they belong to.

use std::collections::{HashMap, HashSet};

use crate::inventory::arm::Resource;
use crate::inventory::compute::{OsProfile, StorageProfile, VirtualMachine, VirtualMachineScaleSet};
use crate::inventory::network::{NetworkInterface, target};
use crate::inventory::{Inventory, Reference, ResourceId};

use crate::facts::address::{self, Family};
use crate::facts::network_index::{missing, scale_sets_with_machines};
use crate::facts::schema::{Known, Unread};
use crate::facts::virtual_machine::{MachineSystem, operating_system};
use crate::facts::way_in::{Endpoint, OwnAddress};

use super::OperatingSystem;

const SCALE_SET: &str = "microsoft.compute/virtualmachinescalesets";
const SCALE_SET_MACHINE: &str = "microsoft.compute/virtualmachinescalesets/virtualmachines";

/// An IP configuration, before anything is worked out.
pub(in crate::facts) struct Found<'a> {
    pub endpoint: Endpoint<'a>,
    /// The interface's own group.
    pub group: &'a Option<Reference>,
    /// Application security groups that it is a member of.
    pub member_of: Vec<ResourceId>,
    /// The machine that the interface names.
    pub machine: Option<&'a ResourceId>,
    /// The region.
    pub location: Option<&'a str>,
}

fn ids(references: &[Reference]) -> Vec<ResourceId> {
    references.iter().filter_map(|it| it.id.clone()).collect()
}

fn family(version: Option<&str>) -> Family {
    if version.is_some_and(|it| it.eq_ignore_ascii_case("IPv6")) { Family::V6 } else { Family::V4 }
}

/// The IP configurations of an interface.
pub(in crate::facts) fn of_interface(interface: &Resource<NetworkInterface>) -> impl Iterator<Item = Found<'_>> {
    interface.properties.ip_configurations.iter().map(|configuration| {
        let it = &configuration.properties;
        let private = it.private_ip_address.as_deref().and_then(address::parse_address);
        let id =
            configuration.id.clone().unwrap_or_else(|| interface.id.child("ipConfigurations", &configuration.name));
        Found {
            endpoint: Endpoint {
                configuration: id,
                interface: interface.id.clone(),
                subnet: target(&it.subnet),
                private,
                family: private.map_or_else(|| family(it.private_ip_address_version.as_deref()), address::family),
                public: target(&it.public_ip_address).map_or(OwnAddress::None, OwnAddress::Resource),
                pools: &it.load_balancer_backend_address_pools,
                nat_rules: &it.load_balancer_inbound_nat_rules,
                nat_pools: &[],
                model_of: None,
            },
            group: &interface.properties.network_security_group,
            member_of: ids(&it.application_security_groups),
            machine: target(&interface.properties.virtual_machine),
            location: interface.location.as_deref(),
        }
    })
}

/// The IP configurations in the model of a scale set.
pub(in crate::facts) fn of_model(set: &Resource<VirtualMachineScaleSet>) -> Vec<Found<'_>> {
    let profile = set.properties.virtual_machine_profile.as_ref();
    let profile = profile.and_then(|profile| profile.network_profile.as_ref());
    let mut found = Vec::new();
    for interface in profile.into_iter().flat_map(|profile| &profile.network_interface_configurations) {
        let id = set.id.child("networkInterfaces", &interface.name);
        for configuration in &interface.properties.ip_configurations {
            let it = &configuration.properties;
            let public = it.public_ip_address_configuration.as_ref();
            let public = public.map(|it| OwnAddress::Each(it.name.as_deref().unwrap_or("publicIp"), it.sku.as_ref()));
            found.push(Found {
                endpoint: Endpoint {
                    configuration: id.child("ipConfigurations", &configuration.name),
                    interface: id.clone(),
                    subnet: target(&it.subnet),
                    private: None,
                    family: family(it.private_ip_address_version.as_deref()),
                    public: public.unwrap_or(OwnAddress::None),
                    pools: &it.load_balancer_backend_address_pools,
                    nat_rules: &[],
                    nat_pools: &it.load_balancer_inbound_nat_pools,
                    model_of: Some(&set.id),
                },
                group: &interface.properties.network_security_group,
                member_of: ids(&it.application_security_groups),
                machine: Some(&set.id),
                location: set.location.as_deref(),
            });
        }
    }
    found
}

/// The machines of an estate, by their interfaces.
pub(super) struct Machines<'a> {
    inventory: &'a Inventory,
    by_interface: HashMap<&'a ResourceId, &'a Resource<VirtualMachine>>,
    /// The interfaces of each machine.
    interfaces: HashMap<ResourceId, Vec<&'a Resource<NetworkInterface>>>,
    /// Scale sets of which interfaces, or machines with interfaces of their own, were read.
    with_machines: HashSet<ResourceId>,
}

impl<'a> Machines<'a> {
    pub(super) fn new(inventory: &'a Inventory) -> Self {
        let mut by_interface = HashMap::new();
        for machine in inventory.virtual_machines.iter() {
            let interfaces = machine.properties.network_profile.iter().flat_map(|it| &it.network_interfaces);
            by_interface.extend(interfaces.filter_map(|it| Some((it.id.as_ref()?, machine))));
        }
        let mut machines = Self {
            inventory,
            by_interface,
            interfaces: HashMap::new(),
            with_machines: scale_sets_with_machines(inventory),
        };
        let mut interfaces: HashMap<ResourceId, Vec<_>> = HashMap::new();
        for interface in inventory.network_interfaces.iter() {
            if let Some(id) = machines.machine_of(&interface.id, target(&interface.properties.virtual_machine)) {
                interfaces.entry(id).or_default().push(interface);
            }
        }
        machines.interfaces = interfaces;
        machines
    }

    fn machine_of(&self, interface: &ResourceId, named: Option<&ResourceId>) -> Option<ResourceId> {
        let by_interface = || self.by_interface.get(interface).map(|machine| machine.id.clone());
        named.cloned().or_else(by_interface).or_else(|| interface.ancestor(SCALE_SET_MACHINE))
    }

    /// The machine that an IP configuration belongs to; of a model, the scale set.
    pub(super) fn id_of(&self, found: &Found<'_>) -> Option<ResourceId> {
        self.machine_of(&found.endpoint.interface, found.machine)
    }

    /// All IP configurations of a machine, and why there may be more.
    pub(super) fn all_of(&self, machine: &ResourceId) -> (Vec<Found<'_>>, Option<Unread>) {
        if let Some(set) = self.inventory.scale_sets.get(machine) {
            return (of_model(set), None);
        }
        let interfaces = self.interfaces.get(machine).map_or(&[][..], Vec::as_slice);
        let found = interfaces.iter().flat_map(|interface| of_interface(interface)).collect();
        let profile =
            self.inventory.virtual_machines.get(machine).and_then(|it| it.properties.network_profile.as_ref());
        let named = profile.into_iter().flat_map(|it| &it.network_interfaces).filter_map(|it| it.id.as_ref());
        let unread = named.filter(|id| self.inventory.network_interfaces.get(id).is_none()).min();
        (found, unread.map(|id| missing("network interface", id)))
    }

    /// Whether of a scale set only the model was read.
    pub(super) fn is_model_only(&self, set: &ResourceId) -> bool {
        !self.with_machines.contains(set)
    }

    /// The machine's name and its operating system.
    pub(super) fn of(&self, found: &Found<'_>) -> (Option<String>, Known<OperatingSystem>) {
        let interface = &found.endpoint.interface;
        let by_machine = found.machine.and_then(|id| self.inventory.virtual_machines.get(id));
        if let Some(machine) = by_machine.or_else(|| self.by_interface.get(interface).copied()) {
            let it = &machine.properties;
            return (Some(machine.name.to_string()), os(&machine.id, &it.storage_profile, &it.os_profile));
        }
        let set = found.machine.into_iter().chain([interface]).find_map(|id| id.ancestor(SCALE_SET));
        let set_read = set.as_ref().and_then(|id| self.inventory.scale_sets.get(id));
        if let Some(set) = set_read {
            let none = (None, None);
            let profile = set.properties.virtual_machine_profile.as_ref();
            let (disks, settings) = profile.map_or(none, |it| (it.storage_profile.clone(), it.os_profile.clone()));
            return (Some(set.name.to_string()), os(&set.id, &disks, &settings));
        }
        match found.machine.or(set.as_ref()) {
            Some(id) => (Some(id.name().to_owned()), Err(missing("virtual machine", id))),
            None => (None, Ok(OperatingSystem::NoMachine)),
        }
    }
}

fn os(id: &ResourceId, disks: &Option<StorageProfile>, settings: &Option<OsProfile>) -> Known<OperatingSystem> {
    operating_system(id, disks, settings).map(|it| match it {
        MachineSystem::Windows => OperatingSystem::Windows,
        MachineSystem::Linux => OperatingSystem::Linux,
    })
}
