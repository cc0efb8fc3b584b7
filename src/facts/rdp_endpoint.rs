//! Facts about who reaches Remote Desktop, for each IP configuration of an interface.

mod bounds;
mod closing;
mod exposure;
mod inside;
mod just_in_time;
mod reach;
mod shared;
mod site;
pub(super) mod subjects;
pub(super) mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use rayon::prelude::*;

use super::command::Command;
use super::network_index::{NetworkIndex, OriginKind};
use super::schema::{Known, RecordType, fact_enum, facts};
use super::way_in::{Allocation, WayInKind};
use super::{Context, Identity, Subject, SubjectKind};

fact_enum! {
    /// The operating system of the machine that an interface belongs to.
    pub enum OperatingSystem {
        /// Windows.
        Windows => "windows",
        /// Linux.
        Linux => "linux",
        /// The interface belongs to no machine.
        NoMachine => "noMachine",
    }
}

facts! {
    /// An IP configuration of a network interface, also of a scale set's, and who reaches its Remote Desktop port.
    /// Addresses are counted once, over TCP and UDP and all ways in, without private, reserved and connected ones.
    pub struct RdpEndpoint {
        /// The interface's name.
        pub interface: String,
        /// The IP configuration's name.
        pub ip_configuration: String,
        /// The machine's name, or the scale set's; null: it belongs to none.
        pub machine: Option<String>,
        /// The machine's operating system.
        pub operating_system: Known<OperatingSystem>,
        /// Whether that is Windows, or was not read.
        pub may_be_windows: bool,
        /// The private address.
        pub private_address: Known<String>,
        /// The port that Remote Desktop listens on.
        pub port: u16,
        /// The port and whose it is, in words: `port 3389 of nic-web`.
        pub words: String,
        /// The subnet, `NETWORK/SUBNET`; null: it is not named.
        pub subnet: Option<String>,
        /// The network security groups that filter here, the subnet's first.
        pub network_security_groups: Vec<String>,
        /// Whether a network security group filters here, or one may that was not read.
        pub may_have_network_security_group: bool,
        /// Whether a network security group filters here, read or not.
        pub has_network_security_group: Known<bool>,
        /// Whether there is a way in to the port, whatever its protocol; not those of which it is uncertain.
        pub has_way_in: Known<bool>,
        /// The ways in to the port, and those that may be.
        pub ways_in: Vec<WayInFact>,
        /// How many public IPv4 addresses reach the port, if everything unread closes.
        pub public_ipv4_at_least: i64,
        /// How many public IPv4 addresses reach the port, if everything unread opens.
        pub public_ipv4_at_most: i64,
        /// How many public IPv6 addresses reach the port, if everything unread closes.
        pub public_ipv6_at_least: f64,
        /// How many public IPv6 addresses reach the port, if everything unread opens.
        pub public_ipv6_at_most: f64,
        /// True; unread where something that matters was not read, so that the least and the most differ.
        pub complete: Known<bool>,
        /// Whether anybody of the public reaches the port, by address or by service tag.
        pub public_gets_in: Known<bool>,
        /// How many public IPv4 addresses reach the port at the least, if any of the public do at all.
        pub fewest_ipv4: i64,
        /// How many public IPv6 addresses reach the port at the least, if any of the public do at all.
        pub fewest_ipv6: f64,
        /// The public addresses that certainly reach the port, as the fewest prefixes; the first 50 of them.
        pub sources: Arc<Vec<String>>,
        /// How many prefixes `sources` has in full.
        pub source_prefixes: i64,
        /// Service tags that reach the port and whose addresses are not known.
        pub source_tags: Arc<Vec<String>>,
        /// Those who reach the port, in words: `203.0.113.0/24, 198.51.100.7 and the service tag AzureCloud`.
        pub sources_in_words: String,
        /// Whom the rules admit, whatever leads here.
        pub rules: RulesFact,
        /// Clients of a point-to-site VPN that is connected to the machine's network.
        pub clients: ClientsFact,
        /// Who reaches the port over TCP, from inside or by a way in.
        pub reach: ReachFact,
        /// Just-in-time access of Microsoft Defender for Cloud.
        pub just_in_time: JustInTimeFact,
        /// Whether a public address leads to the port, or may: its own, or a load balancer's.
        pub may_have_public_address: bool,
        /// The public addresses that lead to the port.
        pub public_addresses: Vec<PublicAddressFact>,
        /// Whether one of them is dynamic.
        pub dynamic_address: Known<bool>,
        /// The names of those that certainly are.
        pub dynamic_addresses: Vec<String>,
        /// Commands that make them static; none for those of scale sets, and none for IPv6, which cannot be.
        pub make_static: Vec<Command>,
        /// How each level decides the witness, or, where nobody gets in, the largest part of the Internet.
        pub decisions: Arc<Vec<DecisionFact>>,
        /// The sources by the rules that decide them, over the way in and the protocol of the witness, from its source
        /// port; the largest parts first, at most 20. Empty where all are decided alike: `decisions` says how.
        pub parts: Arc<Vec<PartFact>>,
        /// One packet that gets in; null: none does.
        pub witness: Option<WitnessFact>,
        /// One sentence: who reaches what, by which way and through which rule.
        pub exposure: String,
        /// What is odd about how the deciding groups are written.
        pub remarks: Arc<Vec<String>>,
        /// What the commands do, or why there are none and what to do by hand; empty: nobody certainly gets in.
        pub closing: String,
        /// Commands that close the port to the Internet and open nothing; empty where no command of this kind can.
        pub close_commands: Vec<Command>,
    }

    /// Whom the rules admit to the port, whatever leads here.
    pub struct RulesFact {
        /// How many public IPv4 addresses they admit, if everything unread closes.
        pub public_ipv4_at_least: i64,
        /// How many public IPv4 addresses they admit, if everything unread opens.
        pub public_ipv4_at_most: i64,
        /// How many public IPv6 addresses they admit, if everything unread closes.
        pub public_ipv6_at_least: f64,
        /// How many public IPv6 addresses they admit, if everything unread opens.
        pub public_ipv6_at_most: f64,
        /// True; unread where something that matters was not read, so that the least and the most differ.
        pub complete: Known<bool>,
        /// The public addresses that they certainly admit, as the fewest prefixes; the first 50 of them.
        pub sources: Arc<Vec<String>>,
        /// How many prefixes `sources` has in full.
        pub source_prefixes: i64,
        /// Service tags that they admit and whose addresses are not known.
        pub source_tags: Arc<Vec<String>>,
        /// How each level decides a public source that is admitted, else the largest part of the Internet.
        pub decisions: Arc<Vec<DecisionFact>>,
        /// One sentence: whom they admit, and by which rule.
        pub admission: String,
    }

    /// Clients of a point-to-site VPN.
    pub struct ClientsFact {
        /// Whether there is an address pool for clients of this network.
        pub exist: Known<bool>,
        /// Whether there is one, or may be.
        pub may_exist: bool,
        /// The prefixes of the pools.
        pub addresses: Arc<Vec<String>>,
        /// Those of these addresses that certainly reach the port, as the fewest prefixes; the first 50 of them.
        pub admitted: Arc<Vec<String>>,
        /// Whether some of these addresses reach the port, over TCP or UDP.
        pub get_in: Known<bool>,
    }

    /// Who reaches the port at all: what is inside (the network, its peers, sites, VPN clients, private ranges behind
    /// routes) always, and the public by the ways in.
    pub struct ReachFact {
        /// Who is inside, and whether some of them get in.
        pub origins: Arc<Vec<OriginFact>>,
        /// Whether anybody reaches the port over TCP at this address.
        pub by_tcp: Known<bool>,
        /// Whether anybody reaches the port over TCP at this address or another of the machine's.
        pub machine_by_tcp: Known<bool>,
        /// How each level decides the largest part of those who are inside, over TCP.
        pub decisions: Arc<Vec<DecisionFact>>,
        /// One sentence: which rules keep everybody out.
        pub blocked: String,
    }

    /// Somebody whose packets come without the Internet.
    pub struct OriginFact {
        /// What it is.
        pub kind: OriginKind,
        /// The name of the network, site, gateway or host.
        pub name: String,
        /// Its prefixes.
        pub addresses: Vec<String>,
        /// Whether some of them reach the port, over TCP or UDP.
        pub gets_in: Known<bool>,
        /// Whether some of them reach the port over TCP.
        pub gets_in_by_tcp: Known<bool>,
    }

    /// Just-in-time access: the port is closed until somebody asks.
    pub struct JustInTimeFact {
        /// Whether it guards the port: a policy names the machine, or a rule of it denies the port to this address.
        pub on: Known<bool>,
        /// Whether it does, or may.
        pub may_be_on: bool,
        /// The names of its rules that deny the port.
        pub rules: Vec<String>,
        /// Whether a customer's rule lets somebody in although nobody asked.
        pub bypassed: Known<bool>,
        /// Who gets in so, as the fewest prefixes; the first 50 of them.
        pub sources: Vec<String>,
        /// The rules that let them in, in words.
        pub bypass: String,
        /// Commands that take these rules away; empty where they are about other ports too.
        pub commands: Vec<Command>,
    }

    /// A public address that leads to the port.
    pub struct PublicAddressFact {
        /// Its name.
        pub name: String,
        /// Its id.
        pub id: String,
        /// The address; null: not known, or not allocated.
        pub address: Option<String>,
        /// How it is allocated.
        pub allocation: Known<Allocation>,
    }

    /// A way from the Internet to an interface.
    pub struct WayInFact {
        /// What it is.
        pub kind: WayInKind,
        /// The name of the rule, or of the public address.
        pub name: String,
        /// The name of the public address, load balancer or firewall.
        pub through: String,
        /// Its id.
        pub id: String,
        /// The address that people connect to; null: not known, or not allocated.
        pub public_address: Option<String>,
        /// The port that people connect to; null: not known, or one of a range.
        pub front_end_port: Option<i64>,
        /// The ports that people connect to, `50000-50119`; empty: not known.
        pub front_end_ports: String,
        /// `tcp`, `udp`.
        pub protocols: Vec<String>,
        /// Whether it certainly leads here; unread where that is not known.
        pub certain: Known<bool>,
        /// Whether it certainly lets somebody of the public in.
        pub open: bool,
        /// Whether its public address is referred to and was not read.
        pub address_unread: bool,
    }

    /// Which rule decides at one level.
    pub struct DecisionFact {
        /// `admin`, `subnet`, `nic`.
        pub level: String,
        /// The group's name.
        pub network_security_group: String,
        /// The rule's name; empty: none matches, and the next level decides.
        pub rule: String,
        /// Its priority; null: none.
        pub priority: Option<i64>,
        /// `allow`, `deny`.
        pub access: String,
    }

    /// A part of the sources that the same rules decide.
    pub struct PartFact {
        /// Its first 10 prefixes.
        pub sources: Vec<String>,
        /// How many prefixes it has in full.
        pub source_prefixes: i64,
        /// The rule of each level that is asked.
        pub decisions: Vec<DecisionFact>,
    }

    /// One packet that gets in, as the rules see it.
    pub struct WitnessFact {
        /// An address that gets in; null where only a service tag lets somebody in.
        pub source: Option<String>,
        /// The service tag that lets it in; null where its address is known.
        pub tag: Option<String>,
        /// `tcp`, `udp`.
        pub protocol: String,
        /// The port that it is sent from.
        pub source_port: i64,
        /// The address that it is sent to, as the rules see it; null: not known.
        pub destination: Option<String>,
        /// The port that it is sent to, as the rules see it.
        pub port: i64,
        /// The way in, with its front end.
        pub way_in: WayInFact,
    }
}

/// The names that expressions about this kind start with.
pub fn roots() -> Vec<(&'static str, &'static RecordType)> {
    vec![("endpoint", RdpEndpoint::describe())]
}

/// Calls `visit` for each subject, from several threads.
pub fn each(context: Context<'_>, visit: &(dyn Fn(&Subject<'_>) + Sync)) {
    let index = NetworkIndex::new(context.inventory, Arc::clone(&context.options.service_tags));
    let estate = exposure::Estate::new(&index, context.options.rdp_port);
    let judge = |subject: subjects::Found<'_>| {
        let facts = estate.facts(&subject);
        let identity = Identity {
            kind: SubjectKind::RdpEndpoint,
            id: subject.endpoint.interface.clone(),
            name: facts.interface.clone(),
            element: Some(facts.ip_configuration.clone()),
            location: subject.location.map(Into::into),
        };
        visit(&Subject { identity, roots: vec![&facts] });
    };
    let interfaces = context.inventory.network_interfaces.rows().par_iter();
    interfaces.for_each(|interface| subjects::of_interface(interface).for_each(judge));
    let models = context.inventory.scale_sets.rows().par_iter().filter(|set| estate.machines.is_model_only(&set.id));
    models.for_each(|set| subjects::of_model(set).into_iter().for_each(judge));
}
