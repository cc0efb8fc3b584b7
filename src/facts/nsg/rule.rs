//! A group's rules, read once.

use std::sync::{Arc, OnceLock};

use crate::facts::address::{self, AddressSet};
use crate::facts::service_tag::{self, Tag, Word};
use crate::inventory::network::{AddressPrefixItem, NetworkSecurityGroup, SecurityAdminRule, SecurityRule};
use crate::inventory::{Named, Reference, Resource, ResourceId};

use super::{Direction, Ports, Protocols};

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Lets the packet go on to the next level.
    Allow,
    /// Drops the packet.
    Deny,
    /// Lets the packet in, whatever the groups say. Admin rules only.
    AlwaysAllow,
}

/// The addresses that one side of a rule names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Prefixes, ranges and addresses, and those of `AzureLoadBalancer`.
    pub set: AddressSet,
    /// Any address.
    pub any: bool,
    /// `0.0.0.0` or `::` without a length: any address in an Allow, nothing in a Deny.
    pub unclear: Option<&'static str>,
    /// The tag `Internet`.
    pub internet: bool,
    /// The tag `VirtualNetwork`.
    pub virtual_network: bool,
    /// Other tags.
    pub tags: Vec<Tag>,
    /// Application security groups.
    pub groups: Vec<ResourceId>,
    /// What was not understood: it may mean any address.
    pub unreadable: Option<Box<str>>,
    /// Network groups of a virtual network manager, whose members nobody knows here.
    pub network_group: bool,
    /// Whether the singular field holds a list with commas.
    pub comma: bool,
}

impl Addresses {
    /// Any address.
    pub fn any() -> Self {
        Self { any: true, ..Self::default() }
    }

    /// Whether an Allow that names them means any address.
    pub fn is_any(&self) -> bool {
        self.any || self.unclear.is_some()
    }

    /// Reads the fields of one side; they count together. All of them absent mean any address; a singular field that
    /// is empty, beside nothing else, means nothing that could be known.
    pub fn new(singular: Option<&str>, plural: &[Box<str>], groups: &[Reference]) -> Self {
        if singular.is_none() && plural.is_empty() && groups.is_empty() {
            return Self::any();
        }
        let mut read = Self { comma: singular.is_some_and(|it| it.contains(',')), ..Self::default() };
        let texts = singular.into_iter().chain(plural.iter().map(|text| &**text));
        let mut said = false;
        let mut ranges = Vec::new();
        for text in texts.flat_map(|text| text.split(',')).map(str::trim).filter(|text| !text.is_empty()) {
            said = true;
            read.take(text, &mut ranges);
        }
        for group in groups {
            said = true;
            match &group.id {
                Some(id) => read.groups.push(id.clone()),
                None => read.unreadable = Some("an application security group without an id".into()),
            }
        }
        if !said {
            read.unreadable = Some("an empty text".into());
        }
        read.set = AddressSet::from_ranges(ranges);
        read
    }

    fn take(&mut self, text: &str, ranges: &mut Vec<(address::Point, address::Point)>) {
        if let Some(unclear) = ["0.0.0.0", "::"].into_iter().find(|it| *it == text) {
            self.unclear = Some(unclear);
            return;
        }
        if let Some(set) = address::parse(text) {
            ranges.extend(set.ranges());
            return;
        }
        match Word::new(text) {
            Some(Word::Any) => self.any = true,
            Some(Word::Internet) => self.internet = true,
            Some(Word::VirtualNetwork) => self.virtual_network = true,
            Some(Word::AzureLoadBalancer) => {
                let platform = [service_tag::PLATFORM, service_tag::PLATFORM_V6];
                ranges.extend(
                    platform.iter().filter_map(|text| address::parse(text)).flat_map(|it| it.ranges().to_vec()),
                );
            }
            Some(Word::Tag(tag)) => self.tags.push(tag),
            None => self.unreadable = Some(text.into()),
        }
    }

    /// Reads a side of an admin rule.
    fn of_admin(items: &[AddressPrefixItem]) -> Self {
        if items.is_empty() {
            return Self::any();
        }
        let is_group = |item: &AddressPrefixItem| {
            item.address_prefix_type.as_deref().is_some_and(|ty| ty.eq_ignore_ascii_case("NetworkGroup"))
                || item
                    .address_prefix
                    .as_deref()
                    .is_some_and(|text| text.to_ascii_lowercase().contains("/networkgroups/"))
        };
        let texts: Vec<Box<str>> = items
            .iter()
            .filter(|item| !is_group(item))
            .map(|item| item.address_prefix.clone().unwrap_or_default())
            .collect();
        let network_group = texts.len() < items.len();
        let mut read = if texts.is_empty() { Self::default() } else { Self::new(None, &texts, &[]) };
        read.network_group = network_group;
        read
    }
}

/// One side of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Its addresses.
    pub addresses: Addresses,
    /// Its ports.
    pub ports: Ports,
}

/// A rule, seen from the machine: of an inbound rule the local side is the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: Box<str>,
    /// Smaller first; `None`: it was not given.
    pub priority: Option<i64>,
    /// What it does; `None`: it was not understood.
    pub access: Option<Access>,
    /// Whether the direction is certain.
    pub direction_known: bool,
    /// Whether it is one of Azure's own.
    pub default: bool,
    /// Which protocols it is about.
    pub protocols: Protocols,
    /// The other end.
    pub remote: Side,
    /// The machine's end.
    pub local: Side,
}

impl Rule {
    /// What is odd about how the rule is written, for a person; none of it keeps the rule from being read.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if let Some(unclear) = self.remote.addresses.unclear.or(self.local.addresses.unclear) {
            remarks.push(format!(
                "`{}` names `{unclear}` without a length: taken for any address where it allows, for nothing where it denies",
                self.name
            ));
        }
        let sides = [&self.remote, &self.local];
        if sides.iter().any(|side| side.addresses.comma || side.ports.comma) {
            remarks.push(format!("`{}` holds a list with commas in a field for one value: read as a list", self.name));
        }
        remarks
    }
}

/// The rules of a group for one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The rules, in the order of the input. Azure's own are shared by all groups.
    pub list: Vec<Arc<Rule>>,
    /// Where rules begin and cease to match remote addresses, sorted: found once, used by every evaluation.
    pub(super) cuts: Vec<address::Point>,
    /// Of each rule the ranges of its remote addresses, as positions among the cuts.
    pub(super) pieces: Vec<Vec<(u32, u32)>>,
}

impl Rules {
    fn cut(&mut self) {
        let ranges = self.list.iter().flat_map(|rule| rule.remote.addresses.set.ranges());
        self.cuts = ranges.flat_map(|&(start, end)| [Some(start), end.checked_add(1)]).flatten().collect();
        self.cuts.sort_unstable();
        self.cuts.dedup();
        let position = |point| self.cuts.partition_point(|cut| *cut < point) as u32;
        let end = |end: address::Point| end.checked_add(1).map_or(self.cuts.len() as u32, position);
        let pieces = self.list.iter().map(|rule| {
            let ranges = rule.remote.addresses.set.ranges();
            ranges.iter().map(|range| (position(range.0), end(range.1))).collect()
        });
        self.pieces = pieces.collect();
        self.list.shrink_to_fit();
    }
}

/// A network security group, or the admin rules of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: ResourceId,
    /// Its name.
    pub name: Box<str>,
    /// Rules for packets that come in.
    pub inbound: Rules,
    /// Rules for packets that go out.
    pub outbound: Rules,
}

impl Group {
    /// Reads a group. Azure's own rules are added where the export leaves them out.
    pub fn new(group: &Resource<NetworkSecurityGroup>) -> Self {
        Self::of_rules(&group.id, &group.properties.security_rules, &group.properties.default_security_rules)
    }

    /// Reads these rules.
    pub fn of_rules(id: &ResourceId, rules: &[Named<SecurityRule>], defaults: &[Named<SecurityRule>]) -> Self {
        let mut read = Self::empty(id.clone(), id.name());
        for (rules, default) in [(rules, false), (defaults, true)] {
            for rule in rules {
                read.push(rule, default);
            }
        }
        for direction in Direction::ALL {
            let rules = read.rules_mut(direction);
            for own in defaults_of(direction) {
                if !rules.list.iter().any(|it| it.default && it.priority == own.priority) {
                    rules.list.push(Arc::clone(own));
                }
            }
        }
        read.cut()
    }

    /// Reads the admin rules that a virtual network manager applies to a network. They have no default.
    pub fn of_admin_rules<'a>(
        network: &ResourceId,
        rules: impl Iterator<Item = &'a Resource<SecurityAdminRule>>,
    ) -> Self {
        let mut read = Self::empty(network.clone(), "virtual network manager");
        for row in rules {
            let rule = &row.properties;
            read.place(rule.direction.as_deref(), |direction, direction_known| {
                let source = Side {
                    addresses: Addresses::of_admin(&rule.sources),
                    ports: Ports::new(None, &rule.source_port_ranges),
                };
                let destination = Side {
                    addresses: Addresses::of_admin(&rule.destinations),
                    ports: Ports::new(None, &rule.destination_port_ranges),
                };
                let (remote, local) = ends(direction, source, destination);
                Rule {
                    name: row.name.clone(),
                    priority: rule.priority,
                    access: access(rule.access.as_deref()),
                    direction_known,
                    default: false,
                    protocols: rule.protocol.as_deref().map_or(Protocols::ANY, Protocols::new),
                    remote,
                    local,
                }
            });
        }
        read.cut()
    }

    /// Its rules for that direction.
    pub fn rules(&self, direction: Direction) -> &Rules {
        match direction {
            Direction::Inbound => &self.inbound,
            Direction::Outbound => &self.outbound,
        }
    }

    fn rules_mut(&mut self, direction: Direction) -> &mut Rules {
        match direction {
            Direction::Inbound => &mut self.inbound,
            Direction::Outbound => &mut self.outbound,
        }
    }

    fn empty(id: ResourceId, name: &str) -> Self {
        Self { id, name: name.into(), inbound: Rules::default(), outbound: Rules::default() }
    }

    fn cut(mut self) -> Self {
        self.inbound.cut();
        self.outbound.cut();
        self
    }

    fn push(&mut self, child: &Named<SecurityRule>, default: bool) {
        let rule = &child.properties;
        self.place(rule.direction.as_deref(), |direction, direction_known| {
            let source = Side {
                addresses: Addresses::new(
                    rule.source_address_prefix.as_deref(),
                    &rule.source_address_prefixes,
                    &rule.source_application_security_groups,
                ),
                ports: Ports::new(rule.source_port_range.as_deref(), &rule.source_port_ranges),
            };
            let destination = Side {
                addresses: Addresses::new(
                    rule.destination_address_prefix.as_deref(),
                    &rule.destination_address_prefixes,
                    &rule.destination_application_security_groups,
                ),
                ports: Ports::new(rule.destination_port_range.as_deref(), &rule.destination_port_ranges),
            };
            let (remote, local) = ends(direction, source, destination);
            Rule {
                name: child.name.clone(),
                priority: rule.priority,
                access: access(rule.access.as_deref()),
                direction_known,
                default,
                protocols: rule.protocol.as_deref().map_or(Protocols::ANY, Protocols::new),
                remote,
                local,
            }
        });
    }

    /// A rule whose direction is not understood may be one of either.
    fn place(&mut self, text: Option<&str>, make: impl Fn(Direction, bool) -> Rule) {
        let text = text.map(str::trim);
        let said = Direction::ALL.into_iter().find(|it| text.is_some_and(|text| text.eq_ignore_ascii_case(it.word())));
        for direction in Direction::ALL.into_iter().filter(|it| said.is_none_or(|said| said == *it)) {
            self.rules_mut(direction).list.push(Arc::new(make(direction, said.is_some())));
        }
    }
}

/// The other end and the machine's.
fn ends(direction: Direction, source: Side, destination: Side) -> (Side, Side) {
    match direction {
        Direction::Inbound => (source, destination),
        Direction::Outbound => (destination, source),
    }
}

fn access(text: Option<&str>) -> Option<Access> {
    match text?.trim().to_ascii_lowercase().as_str() {
        "allow" => Some(Access::Allow),
        "deny" => Some(Access::Deny),
        "alwaysallow" => Some(Access::AlwaysAllow),
        _ => None,
    }
}

fn default_rule(name: &str, priority: i64, access: Access, remote: Addresses, local: Addresses) -> Rule {
    let ports = Ports::new(None, &[]);
    Rule {
        name: name.into(),
        priority: Some(priority),
        access: Some(access),
        direction_known: true,
        default: true,
        protocols: Protocols::ANY,
        remote: Side { addresses: remote, ports: ports.clone() },
        local: Side { addresses: local, ports },
    }
}

/// Azure's own rules, the same in every group.
fn defaults_of(direction: Direction) -> &'static [Arc<Rule>; 3] {
    static INBOUND: OnceLock<[Arc<Rule>; 3]> = OnceLock::new();
    static OUTBOUND: OnceLock<[Arc<Rule>; 3]> = OnceLock::new();
    let word = |text: &str| Addresses::new(Some(text), &[], &[]);
    let any = Addresses::any;
    let vnet = |name: &str| default_rule(name, 65000, Access::Allow, word("VirtualNetwork"), word("VirtualNetwork"));
    match direction {
        Direction::Inbound => INBOUND.get_or_init(|| {
            [
                vnet("AllowVnetInBound"),
                default_rule("AllowAzureLoadBalancerInBound", 65001, Access::Allow, word("AzureLoadBalancer"), any()),
                default_rule("DenyAllInBound", 65500, Access::Deny, any(), any()),
            ]
            .map(Arc::new)
        }),
        Direction::Outbound => OUTBOUND.get_or_init(|| {
            [
                vnet("AllowVnetOutBound"),
                default_rule("AllowInternetOutBound", 65001, Access::Allow, word("Internet"), any()),
                default_rule("DenyAllOutBound", 65500, Access::Deny, any(), any()),
            ]
            .map(Arc::new)
        }),
    }
}
