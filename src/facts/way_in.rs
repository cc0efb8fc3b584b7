//! Ways by which packets from the Internet come to an interface: a public address of its own, a load balancer, a
//! firewall.

mod firewall;
mod load_balancer;

use std::net::IpAddr;

use crate::inventory::arm::Sku;
use crate::inventory::network::{PublicIpAddress, target};
use crate::inventory::{Inventory, Reference, Resource, ResourceId};

use super::address::{self, AddressSet, Family, Point};
use super::command::Command;
use super::network_index::{NetworkIndex, missing};
use super::nsg::Protocols;
use super::schema::{Known, Unread, fact_enum};
use super::service_tag::Tag;

use firewall::Firewalls;
use load_balancer::LoadBalancers;

fact_enum! {
    /// How a packet from outside comes to an interface.
    pub enum WayInKind {
        /// A public address on the IP configuration itself.
        PublicIp => "publicIpAddress",
        /// A load-balancing rule.
        LoadBalancingRule => "loadBalancingRule",
        /// An inbound NAT rule of a load balancer.
        InboundNatRule => "inboundNatRule",
        /// An inbound NAT pool of a load balancer.
        InboundNatPool => "inboundNatPool",
        /// A DNAT rule of an Azure Firewall.
        FirewallDnat => "firewallDnat",
    }
}

fact_enum! {
    /// How a public address is allocated.
    pub enum Allocation {
        /// It stays the same until it is deleted.
        Static => "static",
        /// It changes when whatever has it is stopped and started.
        Dynamic => "dynamic",
    }
}

/// A public address that a way in leads through.
#[derive(Clone, Debug)]
pub struct PublicAddress {
    /// Its id; of a scale set's machines, the place of their configuration.
    pub id: ResourceId,
    /// How it is allocated.
    pub allocation: Known<Allocation>,
}

/// An IP configuration of an interface, or of the model of a scale set.
#[derive(Clone, Debug)]
pub struct Endpoint<'a> {
    /// The id of the IP configuration.
    pub configuration: ResourceId,
    /// The id of the interface, or `SCALE SET/networkInterfaces/NAME`.
    pub interface: ResourceId,
    /// The subnet.
    pub subnet: Option<&'a ResourceId>,
    /// The private address, where it is known.
    pub private: Option<Point>,
    /// IPv4 or IPv6.
    pub family: Family,
    /// Its own public address.
    pub public: OwnAddress<'a>,
    /// Back-end pools.
    pub pools: &'a [Reference],
    /// Inbound NAT rules.
    pub nat_rules: &'a [Reference],
    /// Inbound NAT pools.
    pub nat_pools: &'a [Reference],
    /// The scale set, where this is its model.
    pub model_of: Option<&'a ResourceId>,
}

/// The public address of an IP configuration.
#[derive(Clone, Copy, Debug)]
pub enum OwnAddress<'a> {
    /// There is none.
    None,
    /// This resource.
    Resource(&'a ResourceId),
    /// Every machine of the scale set gets one, of this name and SKU.
    Each(&'a str, Option<&'a Sku>),
}

/// Who can use a way in.
#[derive(Clone, Debug)]
pub struct Sources {
    /// Who certainly can.
    pub at_least: AddressSet,
    /// Who perhaps can.
    pub at_most: AddressSet,
    /// Service tags that can.
    pub tags: Vec<Tag>,
    /// What was not read of it.
    pub unread: Vec<Unread>,
}

/// A way in to one port of an interface.
#[derive(Clone, Debug)]
pub struct WayIn {
    /// What it is.
    pub kind: WayInKind,
    /// The public address, load balancer or firewall.
    pub through: ResourceId,
    /// The rule's name; of a public address its own.
    pub name: Box<str>,
    /// The public address that people connect to, where it is known.
    pub public_address: Option<IpAddr>,
    /// The resource of that address, where it could change: those of firewalls cannot.
    pub address_resource: Option<PublicAddress>,
    /// IPv4 or IPv6, where it is known.
    pub family: Option<Family>,
    /// The ports that people connect to; `None`: not known.
    pub front_end_ports: Option<(u16, u16)>,
    /// The protocols that it carries.
    pub protocols: Protocols,
    /// Floating IP: the rules see the front end's address in place of the interface's own.
    pub floating: bool,
    /// Whether it stays closed while there is no network security group: Standard does, Basic does not.
    pub closed_without_group: Known<bool>,
    /// Who can use it; `None`: anyone.
    pub sources: Option<Sources>,
    /// The addresses that the rules see in place of the source's: a firewall translates it.
    pub seen_as: Option<AddressSet>,
    /// Why it is not certain that it leads here.
    pub doubt: Option<Unread>,
    /// The public address, where it is referred to and was not read.
    pub address_unread: Option<Unread>,
}

/// All ways in of one estate to one port.
#[derive(Debug)]
pub struct WaysIn<'a> {
    index: &'a NetworkIndex<'a>,
    load_balancers: LoadBalancers,
    firewalls: Firewalls,
    /// Public addresses that say which IP configuration they are attached to.
    attached: std::collections::HashMap<&'a ResourceId, &'a ResourceId>,
    port: u16,
}

impl<'a> WaysIn<'a> {
    /// Finds them.
    pub fn new(index: &'a NetworkIndex<'a>, port: u16) -> Self {
        let inventory = index.inventory();
        let addresses = inventory.public_ip_addresses.iter();
        let attached = addresses.filter_map(|it| Some((target(&it.properties.ip_configuration)?, &it.id)));
        Self {
            index,
            load_balancers: LoadBalancers::new(inventory, port),
            firewalls: Firewalls::new(index, port),
            attached: attached.collect(),
            port,
        }
    }

    /// The ways in to an IP configuration, and those that may be.
    pub fn of(&self, endpoint: &Endpoint<'_>) -> Vec<WayIn> {
        let inventory = self.index.inventory();
        let mut ways: Vec<WayIn> = self.own_address(inventory, endpoint).into_iter().collect();
        self.load_balancers.of(self.index, endpoint, self.port, &mut ways);
        if endpoint.family == Family::V4 {
            self.firewalls.of(self.index, endpoint, &mut ways);
        }
        ways.retain(|way| way.family.is_none_or(|family| family == endpoint.family));
        ways
    }

    fn own_address(&self, inventory: &Inventory, endpoint: &Endpoint<'_>) -> Option<WayIn> {
        let id = match endpoint.public {
            OwnAddress::Each(name, sku) => {
                let through = endpoint.configuration.child("publicIPAddresses", name);
                let allocation = allocation(None, sku, &through).map_err(|unread| match endpoint.model_of {
                    Some(set) => {
                        Unread::new(unread.what, format!("ask for them (`{}`)", instance_addresses(set).as_str()))
                    }
                    None => unread,
                });
                return Some(WayIn {
                    closed_without_group: closed(sku, &through),
                    address_resource: Some(PublicAddress { id: through.clone(), allocation }),
                    ..way(WayInKind::PublicIp, through, self.port)
                });
            }
            OwnAddress::Resource(id) => id,
            OwnAddress::None => self.attached.get(&endpoint.configuration).copied()?,
        };
        let mut way = way(WayInKind::PublicIp, id.clone(), self.port);
        way.take_address(inventory, id);
        match inventory.public_ip_addresses.get(id) {
            Some(address) => {
                way.closed_without_group = closed(address.sku.as_ref(), id);
            }
            None => way.closed_without_group = Err(missing("public IP address", id)),
        }
        Some(way)
    }
}

impl WayIn {
    /// Notes the public address of that id.
    fn take_address(&mut self, inventory: &Inventory, id: &ResourceId) {
        let allocation = match inventory.public_ip_addresses.get(id) {
            Some(address) => {
                self.public_address = address_of(address);
                self.family = family_of(address);
                let method = address.properties.public_ip_allocation_method.as_deref();
                allocation(method, address.sku.as_ref(), id)
            }
            None => {
                let unread = missing("public IP address", id);
                self.address_unread = Some(unread.clone());
                Err(unread)
            }
        };
        self.address_resource = Some(PublicAddress { id: id.clone(), allocation });
    }
}

/// The command that shows the addresses of a scale set's machines.
fn instance_addresses(set: &ResourceId) -> Command {
    let words = "az vmss list-instance-public-ips --subscription".split(' ');
    let named = [set.subscription(), "--resource-group", set.resource_group(), "--name", set.name()];
    Command::new(words.chain(named))
}

/// How a public address is allocated: as it says, and where it does not, Standard ones are static.
fn allocation(method: Option<&str>, sku: Option<&Sku>, id: &ResourceId) -> Known<Allocation> {
    let said = method.map(str::trim).unwrap_or_default();
    if said.eq_ignore_ascii_case("static") {
        return Ok(Allocation::Static);
    }
    if said.eq_ignore_ascii_case("dynamic") {
        return Ok(Allocation::Dynamic);
    }
    let sku = sku.and_then(|sku| sku.name.as_deref()).unwrap_or_default().to_ascii_lowercase();
    if said.is_empty() && sku.starts_with("standard") {
        return Ok(Allocation::Static);
    }
    let what = format!("how the public IP address `{}` is allocated", id.name());
    Err(Unread::new(what, format!("read it again (`az resource show --ids {id}`)")))
}

/// A way in through that resource, open to anyone, to that port.
fn way(kind: WayInKind, through: ResourceId, port: u16) -> WayIn {
    WayIn {
        kind,
        name: through.name().into(),
        through,
        public_address: None,
        address_resource: None,
        family: None,
        front_end_ports: Some((port, port)),
        protocols: Protocols::ANY,
        floating: false,
        closed_without_group: Ok(false),
        sources: None,
        seen_as: None,
        doubt: None,
        address_unread: None,
    }
}

/// The address of a public address, where it has one at the moment.
fn address_of(address: &Resource<PublicIpAddress>) -> Option<IpAddr> {
    address::parse_address(address.properties.ip_address.as_deref()?).map(address::address)
}

/// IPv4 or IPv6: as its address is, or, while it has none, as it says.
fn family_of(address: &Resource<PublicIpAddress>) -> Option<Family> {
    if let Some(it) = address_of(address) {
        return Some(address::family(address::point(it)));
    }
    let version = address.properties.public_ip_address_version.as_deref()?.trim();
    let is = |word: &str| version.eq_ignore_ascii_case(word);
    is("IPv6").then_some(Family::V6).or_else(|| is("IPv4").then_some(Family::V4))
}

/// Whether what has that SKU stays closed without a network security group. No SKU means Basic, ARM's default and the
/// only one of the API versions that leave it out.
fn closed(sku: Option<&Sku>, id: &ResourceId) -> Known<bool> {
    let name = sku.and_then(|sku| sku.name.as_deref()).unwrap_or("Basic").to_ascii_lowercase();
    match name.as_str() {
        "basic" | "" => Ok(false),
        "standard" | "standardv2" | "gateway" => Ok(true),
        _ => Err(Unread::new(format!("what the SKU `{name}` of `{}` lets in", id.name()), "look at it in the portal")),
    }
}
