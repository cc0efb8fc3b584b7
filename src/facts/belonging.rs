//! Which subjects have to do with one gateway or one machine: what a help desk asks about when a user names either.

use std::collections::BTreeSet;

use super::ip_flow::Refusal;
use super::ip_flow::target::{all, is, not_found};
use super::{Identity, SubjectKind};
use crate::inventory::network::target;
use crate::inventory::{Inventory, ResourceId};

const NETWORK: &str = "microsoft.network/virtualnetworks";
const LOAD_BALANCER: &str = "microsoft.network/loadbalancers";

/// Ids of resources, and of networks whose gateway subnet and peerings count.
#[derive(Clone, Debug, Default)]
pub struct Belonging {
    resources: BTreeSet<ResourceId>,
    networks: BTreeSet<ResourceId>,
}

impl Belonging {
    /// What belongs to the gateways of that name (any letter case) or id: themselves, the Virtual WAN server
    /// configurations of their clients, the gateway subnets that they stand in, and both sides of the peerings of
    /// their networks.
    ///
    /// # Errors
    ///
    /// There is no such gateway in what was read.
    pub fn of_gateway(inventory: &Inventory, named: &str) -> Result<Self, Refusal> {
        let mut it = Self::default();
        for gateway in inventory.gateways.iter().filter(|gateway| is(&gateway.id, named)) {
            it.resources.insert(gateway.id.clone());
            it.networks.extend(gateway.properties.networks());
        }
        for gateway in inventory.p2s_vpn_gateways.iter().filter(|gateway| is(&gateway.id, named)) {
            it.resources.insert(gateway.id.clone());
            it.resources.extend(target(&gateway.properties.vpn_server_configuration).cloned());
        }
        if it.resources.is_empty() {
            let ids = inventory.gateways.iter().map(|it| &it.id);
            let names = ids.chain(inventory.p2s_vpn_gateways.iter().map(|it| &it.id)).map(|id| id.name().to_owned());
            return Err(not_found("gateway", named, &names.collect()));
        }
        for peering in inventory.peerings.iter() {
            let remote = target(&peering.properties.remote_virtual_network);
            if remote.is_some_and(|network| it.networks.contains(network)) {
                it.resources.insert(peering.id.clone());
            }
        }
        Ok(it)
    }

    /// What belongs to the machines or scale sets of that name (any letter case) or id: themselves, their interfaces,
    /// the network security groups of these and of their subnets, and the load balancers in front of them.
    ///
    /// # Errors
    ///
    /// There is no such machine in what was read.
    pub fn of_machine(inventory: &Inventory, named: &str) -> Result<Self, Refusal> {
        let machines = inventory.virtual_machines.iter().map(|it| &it.id);
        let machines = machines.chain(inventory.scale_sets.iter().map(|it| &it.id));
        let machines: Vec<&ResourceId> = machines.chain(inventory.classic_resources.iter().map(|it| &it.id)).collect();
        let mut it = Self::default();
        it.resources.extend(machines.iter().filter(|id| is(id, named)).map(|id| (*id).clone()));
        let configurations = all(inventory);
        for chosen in configurations.iter().filter(|it| it.machine_ids().any(|id| is(id, named))) {
            let endpoint = &chosen.found.endpoint;
            it.resources.insert(endpoint.interface.clone());
            it.resources.extend(target(chosen.found.group).cloned());
            let subnet = endpoint.subnet.and_then(|id| inventory.subnets.get(id));
            it.resources.extend(subnet.and_then(|it| target(&it.properties.network_security_group)).cloned());
            let references = [endpoint.pools, endpoint.nat_rules, endpoint.nat_pools].into_iter().flatten();
            let balancers = references.filter_map(|it| it.id.as_ref()?.ancestor(LOAD_BALANCER));
            it.resources.extend(balancers);
        }
        if it.resources.is_empty() {
            let ids = configurations.iter().flat_map(|it| it.machine_ids()).chain(machines.iter().copied());
            return Err(not_found("machine", named, &ids.map(|id| id.name().to_owned()).collect()));
        }
        Ok(it)
    }

    /// These and those.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.resources.extend(other.resources);
        self.networks.extend(other.networks);
        self
    }

    /// Whether the subject is one of them.
    pub fn contains(&self, subject: &Identity) -> bool {
        let within = || subject.id.ancestor(NETWORK).is_some_and(|network| self.networks.contains(&network));
        self.resources.contains(&subject.id)
            || matches!(subject.kind, SubjectKind::GatewaySubnet | SubjectKind::Peering) && within()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::facts::{Context, Options, each};
    use crate::inventory::collect;
    use crate::source::offline;

    const RG: &str = "/subscriptions/s/resourceGroups/rg/providers";

    fn resource(ty: &str, name: &str, properties: Value) -> Value {
        json!({"id": format!("{RG}/{ty}/{name}"), "name": name, "type": ty, "location": "x", "properties": properties})
    }

    fn network(name: &str, remote: &str) -> Value {
        let group = json!({"id": format!("{RG}/Microsoft.Network/networkSecurityGroups/nsg-{name}")});
        let remote = json!({"id": format!("{RG}/Microsoft.Network/virtualNetworks/{remote}")});
        resource(
            "Microsoft.Network/virtualNetworks",
            name,
            json!({
                "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
                "subnets": [{"name": "GatewaySubnet", "properties": {"addressPrefix": "10.0.0.0/27"}},
                            {"name": "a", "properties": {"addressPrefix": "10.0.1.0/24", "networkSecurityGroup": group}}],
                "virtualNetworkPeerings": [{"name": "p", "properties": {"remoteVirtualNetwork": remote}}],
            }),
        )
    }

    fn estate() -> Inventory {
        let gateway = |name: &str, network: &str| {
            let subnet = format!("{RG}/Microsoft.Network/virtualNetworks/{network}/subnets/GatewaySubnet");
            resource(
                "Microsoft.Network/virtualNetworkGateways",
                name,
                json!({
                    "gatewayType": "Vpn",
                    "ipConfigurations": [{"name": "c", "properties": {"subnet": {"id": subnet}}}],
                    "vpnClientConfiguration": {"vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]},
                        "vpnClientRootCertificates": [{"name": format!("root-{name}"), "properties": {"publicCertData": "x"}}]},
                }),
            )
        };
        let machine = |name: &str, network: &str| {
            let interface = format!("{RG}/Microsoft.Network/networkInterfaces/nic-{name}");
            let pool = format!("{RG}/Microsoft.Network/loadBalancers/lb-{name}/backendAddressPools/p");
            let subnet = format!("{RG}/Microsoft.Network/virtualNetworks/{network}/subnets/a");
            let machine = format!("{RG}/Microsoft.Compute/virtualMachines/{name}");
            let rule = json!({"name": "r", "properties": {"frontendPort": 3389, "backendPort": 3389}});
            let security =
                json!({"name": "s", "properties": {"priority": 100, "direction": "Inbound", "access": "Allow"}});
            vec![
                resource(
                    "Microsoft.Compute/virtualMachines",
                    name,
                    json!({"networkProfile": {"networkInterfaces": [{"id": interface}]}}),
                ),
                resource(
                    "Microsoft.Network/networkInterfaces",
                    &format!("nic-{name}"),
                    json!({"virtualMachine": {"id": machine},
                    "ipConfigurations": [{"name": "c", "properties": {"subnet": {"id": subnet}, "loadBalancerBackendAddressPools": [{"id": pool}]}}]}),
                ),
                resource(
                    "Microsoft.Network/loadBalancers",
                    &format!("lb-{name}"),
                    json!({"loadBalancingRules": [rule]}),
                ),
                resource(
                    "Microsoft.Network/networkSecurityGroups",
                    &format!("nsg-{network}"),
                    json!({"securityRules": [security]}),
                ),
            ]
        };
        let mut all = vec![network("hub", "spoke"), network("spoke", "hub"), network("far", "other")];
        all.extend([gateway("gw1", "hub"), gateway("gw2", "far")]);
        all.extend([machine("vm1", "spoke"), machine("vm2", "far")].concat());
        let text = Value::Array(all).to_string();
        let (read, inventory) = collect(|sink| offline::read(&["-".into()], &mut text.as_bytes(), sink));
        read.unwrap();
        inventory
    }

    fn within(inventory: &Inventory, belonging: &Belonging) -> Vec<String> {
        let found = std::sync::Mutex::new(Vec::new());
        let context = Context { inventory, options: &Options::at(time::OffsetDateTime::UNIX_EPOCH) };
        for kind in SubjectKind::ALL.into_iter().filter(|kind| *kind != SubjectKind::Resource) {
            each(kind, context, &|subject| {
                if belonging.contains(&subject.identity) {
                    let element = subject.identity.element.as_deref().map_or_else(String::new, |it| format!("/{it}"));
                    found.lock().unwrap().push(format!("{} {}{element}", kind.word(), subject.identity.name));
                }
            });
        }
        let mut found = found.into_inner().unwrap();
        found.sort();
        found
    }

    #[test]
    fn a_gateway_has_roots_its_subnet_and_both_sides_of_its_peerings() {
        let inventory = estate();
        for named in ["GW1", &format!("{RG}/microsoft.network/virtualnetworkgateways/gw1")] {
            assert_eq!(
                within(&inventory, &Belonging::of_gateway(&inventory, named).unwrap()),
                [
                    "gateway gw1",
                    "gatewaySubnet hub/GatewaySubnet",
                    "peering hub/p",
                    "peering spoke/p",
                    "rootCertificate gw1/root-gw1"
                ]
            );
        }
    }

    #[test]
    fn a_machine_has_interfaces_groups_and_load_balancers() {
        let inventory = estate();
        assert_eq!(
            within(&inventory, &Belonging::of_machine(&inventory, "vm1").unwrap()),
            [
                "loadBalancerRule lb-vm1/r",
                "networkSecurityGroup nsg-spoke",
                "rdpEndpoint nic-vm1/c",
                "securityRule nsg-spoke/s",
                "virtualMachine vm1",
            ]
        );
    }

    #[test]
    fn both_together_are_the_one_and_the_other() {
        let inventory = estate();
        let gateway = || Belonging::of_gateway(&inventory, "gw2").unwrap();
        let both = gateway().and(Belonging::of_machine(&inventory, "vm2").unwrap());
        let count = |belonging: &Belonging| within(&inventory, belonging).len();
        assert_eq!((count(&gateway()), count(&both)), (4, 9));
    }

    #[test]
    fn a_name_that_is_not_there_is_refused_with_the_near_one() {
        let inventory = estate();
        let refusal = Belonging::of_gateway(&inventory, "gw-1").unwrap_err().to_string();
        assert!(refusal.contains("no gateway `gw-1`") && refusal.contains("`gw1`"), "{refusal}");
        let refusal = Belonging::of_machine(&inventory, "vm3").unwrap_err().to_string();
        assert!(refusal.contains("no machine `vm3`") && refusal.contains("`vm1`"), "{refusal}");
    }
}
