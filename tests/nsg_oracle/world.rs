//! The engine, handed what the judge is handed.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use azaudit::facts::address::{self, AddressSet, Family};
use azaudit::facts::nsg::{
    Direction, Group, Level, Local, LocalAddress, Members, Protocol, Scope, Stack, VirtualNetworkTag,
};
use azaudit::facts::schema::Unread;
use azaudit::facts::service_tag::{ServiceTags, Tag};
use azaudit::inventory::network::{SecurityAdminRule, SecurityRule};
use azaudit::inventory::{Named, Resource, ResourceId, lenient};
use serde_json::{Value, json};

use crate::generate::{ADDRESSES, ADDRESSES_V6};
use crate::judge::{CORP, NETWORK, ROUTED, SQL, VNET, WEB, WEB_MEMBERS, destination};

pub(crate) fn group(rules: &[Value]) -> Group {
    let rules = Value::from(rules.to_vec()).to_string();
    let rules: Vec<Named<SecurityRule>> = lenient::from_str(&rules).unwrap();
    Group::of_rules(&ResourceId::new("/nsg"), &rules, &[])
}

pub(crate) fn admin_row(rule: &Value) -> Resource<SecurityAdminRule> {
    let it = &rule["properties"];
    let list = |singular: &str, plural: &str| -> Vec<Value> {
        let one = it[singular].as_str().filter(|text| !text.is_empty()).map(|text| json!(text));
        one.into_iter().chain(it[plural].as_array().cloned().unwrap_or_default()).collect()
    };
    let items = |which: &str| -> Vec<Value> {
        let texts = list(&format!("{which}AddressPrefix"), &format!("{which}AddressPrefixes"));
        texts.into_iter().map(|text| json!({ "addressPrefix": text })).collect()
    };
    let properties = json!({
        "access": it["access"], "direction": it["direction"], "protocol": it["protocol"], "priority": it["priority"],
        "sources": items("source"), "destinations": items("destination"),
        "sourcePortRanges": list("sourcePortRange", "sourcePortRanges"),
        "destinationPortRanges": list("destinationPortRange", "destinationPortRanges"),
    });
    let name = rule["name"].as_str().unwrap();
    Resource {
        id: ResourceId::new(name),
        name: name.into(),
        location: None,
        sku: None,
        zones: Vec::new(),
        properties: lenient::from_str(&properties.to_string()).unwrap(),
    }
}

pub(crate) fn admin(rules: &[Value]) -> Group {
    let rows: Vec<_> = rules.iter().map(admin_row).collect();
    Group::of_admin_rules(&ResourceId::new(NETWORK), rows.iter())
}

pub(crate) struct World {
    pub(crate) internet: AddressSet,
    pub(crate) tag: VirtualNetworkTag,
    pub(crate) members: HashMap<ResourceId, Members>,
    pub(crate) members_unread: Option<Unread>,
    pub(crate) tags: ServiceTags,
    pub(crate) groups: [Option<Group>; 3],
    /// A level that was not read.
    pub(crate) unread: Option<(usize, Unread)>,
}

impl World {
    pub(crate) fn new(levels: &[Vec<Value>; 3]) -> Self {
        let own = AddressSet::from_texts(VNET);
        let mut tags = ServiceTags::default();
        tags.insert(&Tag::new("CORP"), AddressSet::from_texts([CORP]));
        tags.insert(&Tag::new("sql"), AddressSet::from_texts([SQL]));
        let members = Members { addresses: AddressSet::from_texts(WEB_MEMBERS), ..Members::default() };
        let some = |rules: &[Value], read: fn(&[Value]) -> Group| (!rules.is_empty()).then(|| read(rules));
        Self {
            internet: address::not_public().complement().difference(&own),
            tag: VirtualNetworkTag { addresses: own.union(&AddressSet::from_texts([ROUTED])), ..Default::default() },
            members: HashMap::from([(ResourceId::new(WEB), members)]),
            members_unread: None,
            unread: None,
            tags,
            groups: [some(&levels[0], admin), some(&levels[1], group), some(&levels[2], group)],
        }
    }

    pub(crate) fn stack(&self) -> Stack<'_> {
        let level = |i: usize| match &self.unread {
            Some((unread, what)) if *unread == i => Level::Unread { unread: what, exists: true },
            _ => self.groups[i].as_ref().map_or(Level::None, Level::Group),
        };
        Stack {
            admin: level(0),
            subnet: level(1),
            interface: level(2),
            scope: Scope {
                internet: &self.internet,
                virtual_network: &self.tag,
                members: &self.members,
                members_unread: self.members_unread.as_ref(),
                service_tags: &self.tags,
            },
        }
    }
}

pub(crate) fn local(v6: bool, udp: bool, groups: &[ResourceId]) -> Local<'_> {
    Local {
        direction: Direction::Inbound,
        address: LocalAddress::Known(address::point(destination(v6))),
        own: true,
        family: if v6 { Family::V6 } else { Family::V4 },
        port: 3389,
        protocol: if udp { Protocol::Udp } else { Protocol::Tcp },
        groups,
    }
}

pub(crate) fn addresses(v6: bool, extra: &[u128]) -> Vec<IpAddr> {
    let edges: &[&str] = if v6 { &ADDRESSES_V6 } else { &ADDRESSES };
    let edges = edges.iter().map(|it| it.parse().unwrap());
    let random = extra.iter().map(|it| if v6 { Ipv6Addr::from(*it).into() } else { Ipv4Addr::from(*it as u32).into() });
    edges.chain(random).collect()
}

/// Ports on both sides of every edge that a rule can name.
pub(crate) const SOURCE_PORTS: [u16; 10] = [1, 1023, 1024, 49151, 49152, 49999, 50000, 50001, 65534, 65535];
