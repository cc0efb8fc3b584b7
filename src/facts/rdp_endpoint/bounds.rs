//! What is known only between a least and a most.

use crate::facts::address::AddressSet;
use crate::facts::nsg::Admission;
use crate::facts::schema::{Known, Unread};

/// A set of which perhaps only bounds are known.
#[derive(Default)]
pub(super) struct Bounds {
    pub at_least: Admission,
    pub at_most: Admission,
    /// What was missing; where both bounds are the same, none of it matters.
    pub unread: Vec<Unread>,
}

impl Bounds {
    pub fn note(&mut self, unread: impl IntoIterator<Item = Unread>) {
        for it in unread {
            if !self.unread.contains(&it) {
                self.unread.push(it);
            }
        }
    }

    pub fn extend(&mut self, other: &Self) {
        self.at_least.extend(&other.at_least);
        self.at_most.extend(&other.at_most);
        if other.at_least != other.at_most {
            self.note(other.unread.iter().cloned());
        }
    }

    /// Whether anybody is in it, by address or by tag.
    pub fn anybody(&self) -> Known<bool> {
        known(!self.at_least.is_empty(), !self.at_most.is_empty(), &self.unread)
    }
}

/// What holds for certain, else what holds at most, else why nobody knows.
pub(super) fn known(certainly: bool, perhaps: bool, unread: &[Unread]) -> Known<bool> {
    match (certainly, perhaps) {
        (true, _) => Ok(true),
        (false, false) => Ok(false),
        (false, true) => Err(Unread::join(unread).unwrap_or_else(|| {
            Unread::new("a part of what filters here or leads here", "export the whole network and scan again")
        })),
    }
}

/// Whether something is so: for certain, and perhaps.
#[derive(Clone, Copy, Default)]
pub(super) struct Perhaps {
    pub certainly: bool,
    pub perhaps: bool,
}

impl Perhaps {
    pub fn of(set: &AddressSet, at_least: &AddressSet, at_most: &AddressSet) -> Self {
        Self { certainly: at_least.meets(set), perhaps: at_most.meets(set) }
    }

    pub fn or(self, other: Self) -> Self {
        Self { certainly: self.certainly || other.certainly, perhaps: self.perhaps || other.perhaps }
    }
}
