//! Where one IP configuration stands, while its facts are worked out.

use crate::facts::address::{self, AddressSet, Family};
use crate::facts::network_index::{Attached, Network, NetworkIndex, Place, private_address};
use crate::facts::nsg::{Answer, Direction, Local, LocalAddress, Protocol, Stack};
use crate::facts::schema::Unread;
use crate::facts::way_in::WayIn;
use crate::inventory::ResourceId;

use super::subjects::Found;

/// Where one IP configuration stands.
pub(super) struct Site<'s> {
    pub place: &'s Place,
    pub network: Option<&'s Network>,
    pub stack: Stack<'s>,
    pub found: &'s Found<'s>,
    pub port: u16,
    pub no_address: Unread,
    /// The public addresses of its kind.
    pub public: AddressSet,
    /// Where the private address lies, when it is not known.
    prefixes: AddressSet,
    anywhere: AddressSet,
}

impl<'s> Site<'s> {
    pub fn new(index: &'s NetworkIndex<'_>, found: &'s Found<'s>, group: &'s Attached, port: u16) -> Self {
        let endpoint = &found.endpoint;
        let place = index.place(endpoint.subnet);
        let family = AddressSet::of(endpoint.family);
        let prefixes = place.prefixes.intersection(&family);
        Self {
            place,
            network: place.network.as_ref().and_then(|id| index.network(id)),
            stack: index.stack(place, group),
            found,
            port,
            no_address: private_address(&endpoint.interface),
            public: place.public.intersection(&family),
            prefixes: if prefixes.is_empty() { family.clone() } else { prefixes },
            anywhere: family.difference(address::not_public()),
        }
    }

    /// IPv4 or IPv6.
    pub fn family(&self) -> Family {
        self.found.endpoint.family
    }

    /// The interface's own end.
    pub fn own(&self, protocol: Protocol) -> Local<'_> {
        let address = match self.found.endpoint.private {
            Some(point) => LocalAddress::Known(point),
            None => LocalAddress::Within(&self.prefixes, &self.no_address),
        };
        self.end(address, true, protocol)
    }

    /// The fixed end of packets that come by that way: with floating IP, the front end.
    pub fn local<'l>(&'l self, way: &'l WayIn, protocol: Protocol) -> Local<'l> {
        let unread = way.address_unread.as_ref().or(way.doubt.as_ref()).unwrap_or(&self.no_address);
        match (way.floating, way.public_address) {
            (false, _) => self.own(protocol),
            (true, Some(address)) => self.end(LocalAddress::Known(address::point(address)), false, protocol),
            (true, None) => self.end(LocalAddress::Within(&self.anywhere, unread), false, protocol),
        }
    }

    fn end<'l>(&'l self, address: LocalAddress<'l>, own: bool, protocol: Protocol) -> Local<'l> {
        let groups: &[ResourceId] = if own { &self.found.member_of } else { &[] };
        Local { direction: Direction::Inbound, address, own, family: self.family(), port: self.port, protocol, groups }
    }

    /// Who is let through to its own end by that stack, over each protocol.
    pub fn answers(&self, stack: &Stack<'_>) -> [Answer; 2] {
        Protocol::ALL.map(|protocol| stack.admit(&self.own(protocol)))
    }
}
