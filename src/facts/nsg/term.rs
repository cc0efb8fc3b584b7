//! Sets of remote addresses where some service tags stay names.

use crate::facts::address::AddressSet;
use crate::facts::service_tag::Tag;

/// The addresses within a set that belong to some tags and not to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Tags that the addresses belong to, sorted; none: the addresses are known.
    pub tags: Vec<Tag>,
    /// Tags that they do not belong to, sorted. Nobody knows what that takes away, if anything.
    pub without: Vec<Tag>,
    /// Where they lie.
    pub within: AddressSet,
}

/// A set of remote addresses: the union of its terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    terms: Vec<Term>,
}

impl Admission {
    /// These addresses.
    pub fn of(within: AddressSet) -> Self {
        Self::default().with(Term { tags: Vec::new(), without: Vec::new(), within })
    }

    /// Adds a term.
    pub fn with(mut self, term: Term) -> Self {
        self.push(term);
        self
    }

    /// Adds a term.
    pub fn push(&mut self, mut term: Term) {
        term.tags.sort();
        term.tags.dedup();
        term.without.sort();
        term.without.dedup();
        if term.within.is_empty() || term.tags.iter().any(|tag| term.without.binary_search(tag).is_ok()) {
            return;
        }
        match self.terms.iter_mut().find(|it| it.tags == term.tags && it.without == term.without) {
            Some(it) => it.within = it.within.union(&term.within),
            None => self.terms.push(term),
        }
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: &Self) {
        for term in &other.terms {
            self.push(term.clone());
        }
    }

    /// What is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = Self::default();
        for a in &self.terms {
            for b in &other.terms {
                let tags = a.tags.iter().chain(&b.tags).cloned().collect();
                let without = a.without.iter().chain(&b.without).cloned().collect();
                both.push(Term { tags, without, within: a.within.intersection(&b.within) });
            }
        }
        both
    }

    /// The set without that tag, whose addresses lie in `place`. What depends on the tag is in the set if `wide`, else
    /// it is not.
    pub fn settle(self, tag: &Tag, place: &AddressSet, wide: bool) -> Self {
        if !self.terms.iter().any(|term| term.tags.contains(tag) || term.without.contains(tag)) {
            return self;
        }
        // What it is for addresses that have the tag, and for those that have not.
        let (mut with, mut without) = (Self::default(), Self::default());
        for mut term in self.terms {
            let (named, excluded) = (term.tags.contains(tag), term.without.contains(tag));
            term.tags.retain(|it| it != tag);
            term.without.retain(|it| it != tag);
            if !excluded {
                with.push(term.clone());
            }
            if !named {
                without.push(term);
            }
        }
        let mut settled = without.within(&place.complement());
        match wide {
            true => {
                settled.extend(&with.within(place));
                settled.extend(&without.within(place));
            }
            false => settled.extend(&with.intersection(&without).within(place)),
        }
        settled
    }

    /// The part of it that lies in that set.
    pub fn within(&self, set: &AddressSet) -> Self {
        let terms = self.terms.iter().map(|term| Term { within: term.within.intersection(set), ..term.clone() });
        Self { terms: terms.filter(|term| !term.within.is_empty()).collect() }
    }

    /// Whether it has nothing, not even by a tag.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The addresses that are known. A tag without known addresses adds none and takes none away.
    pub fn addresses(&self) -> AddressSet {
        let known = self.terms.iter().filter(|term| term.tags.is_empty());
        AddressSet::from_ranges(known.flat_map(|term| term.within.ranges().iter().copied()))
    }

    /// The parts that only tags name.
    pub fn tagged(&self) -> impl Iterator<Item = &Term> {
        self.terms.iter().filter(|term| !term.tags.is_empty())
    }
}
