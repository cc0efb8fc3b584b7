//! Evaluation of network security groups, over sets instead of packets.
//!
//! [`Group::new`] reads a group's rules once. [`Stack::admit`] walks the levels in Azure's order (admin rules of a
//! virtual network manager, the subnet's group, the interface's group) for one fixed local end, and answers with the
//! exact set of remote addresses that are let through. [`Stack::decide`] says of one packet which rule decides it, and
//! [`Stack::flow`] what is certain of it, whatever was not read.
//! Rules are seen from the machine, so packets that come in and packets that go out are evaluated by the same code.
//!
//! What could not be read is answered twice: as if it closed ([`Bound::Lower`]) and as if it opened
//! ([`Bound::Upper`]). Where both answers agree, what was missing does not matter.

mod cover;
mod edit;
mod evaluate;
mod flow;
mod parts;
mod ports;
mod resolve;
mod rule;
mod scope;
mod source_ports;
mod sweep;
mod term;

pub use cover::{Cover, Covered, Meaning};
pub use edit::Edit;
pub use evaluate::{Answer, Decision, Level, LevelName, Stack};
pub use flow::{Alike, Flow, FlowAccess, FlowAnswer, FlowDecision, FlowPorts};
pub use parts::Part;
pub use ports::{PortRange, Ports};
pub use rule::{Access, Addresses, Group, Rule, Rules, Side};
pub use scope::{Local, LocalAddress, Members, Scope, VirtualNetworkTag};
pub use term::{Admission, Term};

/// Whether packets come to the machine or leave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// They come: of a rule, the destination is the machine's side.
    Inbound,
    /// They leave: the source is.
    Outbound,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Inbound, Self::Outbound];

    /// Azure's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Inbound => "Inbound",
            Self::Outbound => "Outbound",
        }
    }
}

/// A protocol that Remote Desktop speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Tcp, Self::Udp];

    /// The word that reports use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// The protocols that a text means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protocols {
    /// Whether TCP is meant.
    pub tcp: bool,
    /// Whether UDP is meant.
    pub udp: bool,
    /// Whether ICMP is meant.
    pub icmp: bool,
    /// Whether ESP is meant.
    pub esp: bool,
    /// Whether AH is meant.
    pub ah: bool,
    /// Whether all protocols are meant that have no name in rules.
    pub others: bool,
    /// Whether a part of the text was not understood.
    pub unreadable: bool,
}

impl Protocols {
    /// Every protocol.
    pub const ANY: Self =
        Self { tcp: true, udp: true, icmp: true, esp: true, ah: true, others: true, unreadable: false };

    /// Reads `Tcp`, `UDP`, `*`, `Any`, `All`, `Icmp`, `Esp`, `Ah`, a number, or a list of them with commas.
    pub fn new(text: &str) -> Self {
        let mut read = Self::default();
        for word in text.split(',').map(|word| word.trim().to_ascii_lowercase()) {
            match word.as_str() {
                "*" | "any" | "all" => read = Self { unreadable: read.unreadable, ..Self::ANY },
                "tcp" | "6" => read.tcp = true,
                "udp" | "17" => read.udp = true,
                "icmp" | "icmpv6" | "1" | "58" => read.icmp = true,
                "esp" | "50" => read.esp = true,
                "ah" | "51" => read.ah = true,
                _ => read.unreadable = true,
            }
        }
        read
    }

    /// Whether that protocol is meant for certain, and whether it may be.
    pub fn has(self, protocol: Protocol) -> (bool, bool) {
        let certain = match protocol {
            Protocol::Tcp => self.tcp,
            Protocol::Udp => self.udp,
        };
        (certain, certain || self.unreadable)
    }
}

/// How what could not be read is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// It closes.
    Lower,
    /// It opens.
    Upper,
}
