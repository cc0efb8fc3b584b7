//! What the words in rules mean at one place, and the end of a packet that stays fixed.

use std::collections::HashMap;

use crate::facts::address::{AddressSet, Family, Point};
use crate::facts::schema::Unread;
use crate::facts::service_tag::{ServiceTags, Tag};
use crate::inventory::ResourceId;

use super::{Direction, Protocol};

/// What the tag `VirtualNetwork` means in one subnet.
#[derive(Clone, Debug, Default)]
pub struct VirtualNetworkTag {
    /// The addresses that it certainly means.
    pub addresses: AddressSet,
    /// Service tags that it means too, by way of routes that name them.
    pub tags: Vec<Tag>,
    /// What it may mean beside them, because something was not read.
    pub unread: Vec<(AddressSet, Unread)>,
}

/// The members of an application security group.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// Their private addresses.
    pub addresses: AddressSet,
    /// Where those lie that were not read.
    pub possible: AddressSet,
    /// Why there may be more.
    pub unread: Option<Unread>,
}

/// What the words in rules mean at one place.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The tag `Internet`.
    pub internet: &'a AddressSet,
    /// The tag `VirtualNetwork`.
    pub virtual_network: &'a VirtualNetworkTag,
    /// Application security groups that have members.
    pub members: &'a HashMap<ResourceId, Members>,
    /// Why a group that is not among them may have members all the same.
    pub members_unread: Option<&'a Unread>,
    /// Service tags whose addresses are known.
    pub service_tags: &'a ServiceTags,
}

/// The address of the fixed end.
#[derive(Clone, Copy, Debug)]
pub enum LocalAddress<'a> {
    /// This one.
    Known(Point),
    /// One of these: which, was not read.
    Within(&'a AddressSet, &'a Unread),
}

/// The fixed end: what a packet from outside is sent to, or what a packet leaves from, as the rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Local<'a> {
    /// Whether packets come or leave.
    pub direction: Direction,
    /// Its address.
    pub address: LocalAddress<'a>,
    /// Whether that is the interface's own address, and so part of the network. A floating front end's is not.
    pub own: bool,
    /// IPv4 or IPv6: the other end is of the same kind.
    pub family: Family,
    /// The port.
    pub port: u16,
    /// The protocol.
    pub protocol: Protocol,
    /// Application security groups that it is a member of.
    pub groups: &'a [ResourceId],
}
