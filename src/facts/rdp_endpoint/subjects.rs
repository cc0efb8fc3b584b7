//! Which IP configurations there are, and which machines they belong to.

use std::collections::{HashMap, HashSet};

use crate::inventory::arm::Resource;
use crate::inventory::compute::{StorageProfile, VirtualMachine, VirtualMachineScaleSet};
use crate::inventory::network::{NetworkInterface, target};
use crate::inventory::{Inventory, Reference, ResourceId};

use crate::facts::address::{self, Family};
use crate::facts::network_index::{missing, scale_sets_with_machines};
use crate::facts::schema::{Known, Unread};
use crate::facts::way_in::{Endpoint, OwnAddress};

use super::OperatingSystem;

const SCALE_SET: &str = "microsoft.compute/virtualmachinescalesets";

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
        Self { inventory, by_interface, with_machines: scale_sets_with_machines(inventory) }
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

fn os(
    id: &ResourceId,
    disks: &Option<StorageProfile>,
    settings: &Option<crate::inventory::compute::OsProfile>,
) -> Known<OperatingSystem> {
    let disk = disks.as_ref().and_then(|it| it.os_disk.as_ref()).and_then(|it| it.os_type.as_deref());
    let windows = settings.as_ref().is_some_and(|it| it.windows_configuration.is_some());
    let linux = settings.as_ref().is_some_and(|it| it.linux_configuration.is_some());
    match disk {
        Some(it) if it.eq_ignore_ascii_case("windows") => Ok(OperatingSystem::Windows),
        Some(it) if it.eq_ignore_ascii_case("linux") => Ok(OperatingSystem::Linux),
        _ if windows => Ok(OperatingSystem::Windows),
        _ if linux => Ok(OperatingSystem::Linux),
        _ => {
            let how = format!("read the machine with its disks (`az resource show --ids {id}`)");
            Err(Unread::new(format!("the operating system of `{}`", id.name()), how))
        }
    }
}
