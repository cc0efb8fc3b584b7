//! Facts about who reaches Remote Desktop, for each IP configuration of an interface.

mod closing;
mod exposure;
pub(super) mod subjects;
mod words;

#[cfg(test)]
mod tests;

use rayon::prelude::*;

use super::command::Command;
use super::network_index::NetworkIndex;
use super::schema::{Known, RecordType, fact_enum, facts};
use super::service_tag::ServiceTags;
use super::way_in::{WayInKind, WaysIn};
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
        /// The private address.
        pub private_address: Known<String>,
        /// The port that Remote Desktop listens on.
        pub port: u16,
        /// The subnet, `NETWORK/SUBNET`; null: it is not named.
        pub subnet: Option<String>,
        /// The network security groups that filter here, the subnet's first.
        pub network_security_groups: Vec<String>,
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
        /// The public addresses that certainly reach the port, as the fewest prefixes; the first 50 of them.
        pub sources: Vec<String>,
        /// How many prefixes `sources` has in full.
        pub source_prefixes: i64,
        /// Service tags that reach the port and whose addresses are not known.
        pub source_tags: Vec<String>,
        /// How each level decides the witness, or, where nobody gets in, the largest part of the Internet.
        pub decisions: Vec<DecisionFact>,
        /// One packet that gets in; null: none does.
        pub witness: Option<WitnessFact>,
        /// One sentence: who reaches what, by which way and through which rule.
        pub exposure: String,
        /// What is odd about how the deciding groups are written.
        pub remarks: Vec<String>,
        /// What the commands do, or why there are none and what to do by hand; empty: nobody certainly gets in.
        pub closing: String,
        /// Commands that close the port to the Internet and open nothing; empty where no command of this kind can.
        pub close_commands: Vec<Command>,
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
    let index = NetworkIndex::new(context.inventory, ServiceTags::default());
    let port = context.options.rdp_port;
    let ways = WaysIn::new(&index, port);
    let machines = subjects::Machines::new(context.inventory);
    let shares = exposure::Shares::default();
    let judge = |subject: subjects::Found<'_>| {
        let facts = exposure::facts(&index, &ways, &machines, &shares, &subject, port);
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
    let models = context.inventory.scale_sets.rows().par_iter().filter(|set| machines.is_model_only(&set.id));
    models.for_each(|set| subjects::of_model(set).into_iter().for_each(judge));
}
