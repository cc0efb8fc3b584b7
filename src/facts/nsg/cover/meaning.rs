//! What the words in rules mean at one place, as far as it is known; the rest of a word stays a name.
//!
//! A name stands for addresses that nobody knows, within bounds. For a rule to be covered whatever they are, the worst
//! has to be thought of: all names but those that the rule itself needs for a packet may stand for nobody. So one piece
//! of a rule has one name at most on each side, and only what says that name, or holds its bounds, covers it.

use crate::facts::address::{self, AddressSet};
use crate::facts::nsg::{Access, Addresses, Scope};
use crate::facts::schema::Unread;
use crate::facts::service_tag::{PLATFORM, ServiceTags, Tag};
use crate::inventory::ResourceId;

/// What a word means beside the addresses that are known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Rest {
    /// Nothing.
    Nothing,
    /// Some addresses among these; nobody can say which.
    Some(AddressSet),
    /// The same, because something was not read.
    Unread(AddressSet),
}

/// What a word means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Word {
    known: AddressSet,
    rest: Rest,
}

impl Word {
    /// All that it may mean, or that it certainly means where the rest was not read.
    fn addresses(&self, wide: bool) -> AddressSet {
        match &self.rest {
            Rest::Unread(rest) if wide => self.known.union(rest),
            Rest::Nothing | Rest::Some(_) | Rest::Unread(_) => self.known.clone(),
        }
    }
}

/// A part of a word, or a whole one, that is only a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name<'a> {
    Internet,
    VirtualNetwork,
    Tag(&'a Tag),
    Group(&'a ResourceId),
}

/// A part of what one side of a rule means: addresses that are known, or those that a name stands for.
pub(super) type Piece<'a> = (Option<Name<'a>>, AddressSet);

/// Which side of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Source,
    Destination,
}

/// What words mean at one place that a group filters.
#[derive(Clone, Debug)]
pub struct Meaning<'a> {
    internet: Word,
    virtual_network: Word,
    /// Service tags that `VirtualNetwork` means too.
    network_tags: Vec<Tag>,
    /// The addresses of the place itself, which are part of its network.
    own: AddressSet,
    /// Where the addresses of service tags lie.
    public: AddressSet,
    unread: Vec<Unread>,
    service_tags: &'a ServiceTags,
}

impl PartialEq for Meaning<'_> {
    fn eq(&self, other: &Self) -> bool {
        (&self.internet, &self.virtual_network, &self.network_tags)
            == (&other.internet, &other.virtual_network, &other.network_tags)
            && (&self.own, &self.public, &self.unread) == (&other.own, &other.public, &other.unread)
    }
}

/// Azure's platform, which is part of `VirtualNetwork` everywhere, and of `Internet` nowhere.
fn platform() -> AddressSet {
    AddressSet::from_texts([PLATFORM])
}

impl<'a> Meaning<'a> {
    /// Where no network is: `VirtualNetwork` and `Internet` stay names.
    pub fn unattached(service_tags: &'a ServiceTags) -> Self {
        let platform = platform();
        let public = address::public().difference(&platform);
        Self {
            internet: Word { known: AddressSet::EMPTY, rest: Rest::Some(public.clone()) },
            virtual_network: Word { rest: Rest::Some(platform.complement()), known: platform },
            network_tags: Vec::new(),
            own: AddressSet::EMPTY,
            public,
            unread: Vec::new(),
            service_tags,
        }
    }

    /// In a place that was not read.
    pub fn unread(service_tags: &'a ServiceTags, unread: Unread) -> Self {
        let nowhere = Self::unattached(service_tags);
        let unread_rest = |word: &Word| match &word.rest {
            Rest::Some(rest) => Word { known: word.known.clone(), rest: Rest::Unread(rest.clone()) },
            Rest::Nothing | Rest::Unread(_) => word.clone(),
        };
        Self {
            internet: unread_rest(&nowhere.internet),
            virtual_network: unread_rest(&nowhere.virtual_network),
            unread: vec![unread],
            ..nowhere
        }
    }

    /// In that place, whose own addresses (of the subnet and of interfaces in it) and public ones are these.
    pub fn of(scope: &Scope<'a>, own: AddressSet, public: AddressSet) -> Self {
        let tag = scope.virtual_network;
        let unread = AddressSet::from_ranges(tag.unread.iter().flat_map(|(set, _)| set.ranges().to_vec()));
        let known = tag.addresses.union(&platform());
        let unread = unread.difference(&known);
        let rest = if unread.is_empty() { Rest::Nothing } else { Rest::Unread(unread) };
        Self {
            internet: Word { known: scope.internet.clone(), rest: Rest::Nothing },
            virtual_network: Word { known, rest },
            network_tags: tag.tags.clone(),
            own: own.difference(&tag.addresses),
            public,
            unread: tag.unread.iter().map(|(_, unread)| unread.clone()).collect(),
            service_tags: scope.service_tags,
        }
    }

    /// What was not read of the words that these sides use.
    pub(super) fn missing(&self, sides: [&Addresses; 2]) -> &[Unread] {
        let internet = matches!(self.internet.rest, Rest::Unread(_));
        let uses = |it: &Addresses| it.virtual_network || !it.groups.is_empty() || (it.internet && internet);
        if sides.into_iter().any(uses) { &self.unread } else { &[] }
    }

    fn network(&self, end: End, wide: bool) -> AddressSet {
        let known = self.virtual_network.addresses(wide);
        if end == End::Destination { known.union(&self.own) } else { known }
    }

    /// The addresses that an earlier rule's side means: for certain, or (`wide`) perhaps. Names are left out.
    pub(super) fn addresses(&self, side: &Addresses, access: Option<Access>, end: End, wide: bool) -> AddressSet {
        let unclear = match access {
            Some(Access::Deny) => false,
            Some(Access::Allow | Access::AlwaysAllow) => side.unclear.is_some(),
            None => side.unclear.is_some() && wide,
        };
        if side.any || unclear || (wide && (side.unreadable.is_some() || side.network_group)) {
            return AddressSet::all();
        }
        let mut set = side.set.clone();
        if side.internet {
            set = set.union(&self.internet.addresses(wide));
        }
        if side.virtual_network {
            set = set.union(&self.network(end, wide));
        }
        for known in side.tags.iter().filter_map(|tag| self.service_tags.get(tag)) {
            set = set.union(known);
        }
        set
    }

    /// Whether an earlier rule's side certainly means all that the name stands for.
    pub(super) fn says(&self, side: &Addresses, name: Name<'_>) -> bool {
        match name {
            Name::Internet => side.internet,
            Name::VirtualNetwork => side.virtual_network,
            // The tag `Internet` includes Azure's public addresses.
            Name::Tag(tag) => {
                side.internet || side.tags.contains(tag) || (side.virtual_network && self.network_tags.contains(tag))
            }
            // Members of a group are interfaces of the network.
            Name::Group(group) => side.virtual_network || side.groups.contains(group),
        }
    }

    /// The parts of what the judged rule's side means: of all that it may mean (`wide`), or of what it certainly means.
    pub(super) fn pieces<'s>(&'s self, side: &'s Addresses, end: End, wide: bool) -> Vec<Piece<'s>> {
        if side.is_any() || (wide && (side.unreadable.is_some() || side.network_group)) {
            return vec![(None, AddressSet::all())];
        }
        let mut pieces = vec![(None, self.addresses(side, None, end, false))];
        let words = [
            (side.internet, &self.internet, Name::Internet),
            (side.virtual_network, &self.virtual_network, Name::VirtualNetwork),
        ];
        for (_, word, name) in words.into_iter().filter(|it| it.0) {
            match &word.rest {
                Rest::Some(bounds) => pieces.push((Some(name), bounds.clone())),
                Rest::Unread(bounds) if wide => pieces.push((Some(name), bounds.clone())),
                Rest::Nothing | Rest::Unread(_) => {}
            }
        }
        let routed = self.network_tags.iter().filter(|_| side.virtual_network);
        let tags = side.tags.iter().chain(routed).filter(|tag| self.service_tags.get(tag).is_none());
        pieces.extend(tags.map(|tag| (Some(Name::Tag(tag)), self.public.clone())));
        for group in &side.groups {
            let mut bounds = self.network(End::Destination, wide);
            if let Rest::Some(rest) = &self.virtual_network.rest {
                bounds = bounds.union(rest);
            }
            if !self.network_tags.is_empty() {
                bounds = bounds.union(&self.public);
            }
            pieces.push((Some(Name::Group(group)), bounds));
        }
        pieces.retain(|(_, set)| !set.is_empty());
        pieces
    }
}
