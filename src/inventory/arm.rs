//! The few shapes that all of ARM is built from, and the macro that declares a resource's own.

use std::collections::HashMap;

use serde::Deserialize;

use super::id::ResourceId;

/// Puts what a second copy of a thing says beside what the first said.
///
/// Members that only one copy has are kept; where both speak and differ, the first wins and `conflict` is set.
pub trait Merge {
    /// Takes what is missing here from `other`.
    fn merge(&mut self, other: Self, conflict: &mut bool);
}

macro_rules! merge_whole {
    ($($ty:ty),*) => {$(
        impl Merge for $ty {
            fn merge(&mut self, other: Self, conflict: &mut bool) {
                *conflict |= *self != other;
            }
        }
    )*};
}
merge_whole!(bool, i64, u64, f64, ResourceId);

/// Longer texts than this are no names, ids or words out of a list.
const LONGEST_WORD: usize = 400;

/// Names and ids differ in letter case between APIs; that is no contradiction.
impl Merge for Box<str> {
    fn merge(&mut self, other: Self, conflict: &mut bool) {
        // Long texts are data, of certificates, where letter case counts.
        let same = if self.len() > LONGEST_WORD { *self == other } else { self.eq_ignore_ascii_case(&other) };
        *conflict |= !same;
    }
}

impl<T: Merge> Merge for Option<T> {
    fn merge(&mut self, other: Self, conflict: &mut bool) {
        match (self.as_mut(), other) {
            (Some(mine), Some(other)) => mine.merge(other, conflict),
            (None, other) => *self = other,
            (Some(_), None) => {}
        }
    }
}

/// Lists are values: the first copy that has any entries wins. Entries that both copies have merge.
impl<T: MergeItem> Merge for Vec<T> {
    fn merge(&mut self, other: Self, conflict: &mut bool) {
        if self.is_empty() {
            *self = other;
            return;
        }
        if other.is_empty() {
            return;
        }
        *conflict |= self.len() != other.len();
        let mine: HashMap<String, usize> = self.iter().enumerate().map(|(i, it)| (it.key(), i)).collect();
        for theirs in other {
            match mine.get(&theirs.key()) {
                Some(i) => self[*i].merge_item(theirs, conflict),
                None => *conflict = true,
            }
        }
    }
}

/// An entry of a list, for [`Merge`].
pub trait MergeItem {
    /// What tells entries apart: two copies of one entry have the same.
    fn key(&self) -> String;
    /// Merges two copies of one entry.
    fn merge_item(&mut self, other: Self, conflict: &mut bool);
}

impl MergeItem for Box<str> {
    fn key(&self) -> String {
        self.to_lowercase()
    }
    fn merge_item(&mut self, _: Self, _: &mut bool) {}
}

impl<P: Merge> MergeItem for Child<P> {
    fn key(&self) -> String {
        self.name.to_lowercase()
    }
    fn merge_item(&mut self, other: Self, conflict: &mut bool) {
        self.merge(other, conflict);
    }
}

impl MergeItem for Reference {
    fn key(&self) -> String {
        self.id.as_ref().map(|id| id.key().into_owned()).unwrap_or_default()
    }
    fn merge_item(&mut self, _: Self, _: &mut bool) {}
}

/// Declares structs of ARM JSON: every field `Option` or a list, so that absent and null are the same and tolerated.
///
/// Keys are matched in any letter case (see [`super::lenient`]), so `public_ip_address` takes `publicIPAddress`.
macro_rules! arm {
    ($($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $ty:ty,)*
    })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $ty,)*
        }

        impl $crate::inventory::arm::Merge for $name {
            #[allow(unused_variables)]
            fn merge(&mut self, other: Self, conflict: &mut bool) {
                $($crate::inventory::arm::Merge::merge(&mut self.$field, other.$field, conflict);)*
            }
        }
    )+};
}
pub(crate) use arm;

/// Entries of lists that have no name of their own: one that stands in both copies is the same one.
macro_rules! merge_by_value {
    ($($ty:ty),*) => {$(
        impl $crate::inventory::arm::MergeItem for $ty {
            fn key(&self) -> String { format!("{self:?}") }
            fn merge_item(&mut self, _: Self, _: &mut bool) {}
        }
    )*};
}
pub(crate) use merge_by_value;

arm! {
    /// A reference: `{"id": "/subscriptions/…"}`.
    pub struct Reference {
        /// The id that it points to. `{}` and `{"id": null}` point to nothing.
        pub id: Option<ResourceId>,
    }

    /// `{"name": "VpnGw1AZ", "tier": "VpnGw1AZ", "capacity": 2}`.
    pub struct Sku {
        /// The SKU's name.
        pub name: Option<Box<str>>,
        /// Its tier, which for public addresses says Regional or Global.
        pub tier: Option<Box<str>>,
        /// Instances, or scale units.
        pub capacity: Option<i64>,
    }

    /// `{"addressPrefixes": ["10.0.0.0/16"]}`.
    pub struct AddressSpace {
        /// Prefixes as they were written.
        pub address_prefixes: Vec<Box<str>>,
    }
}

/// A child that stands inside its parent: `{"id", "name", "properties": {…}}`. Where an API writes it flat
/// (Virtual WAN's certificates), its members stand beside `name`; see [`Flat`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, bound = "P: Deserialize<'de> + Default")]
pub struct Child<P> {
    /// Its id, absent in hand-written templates.
    pub id: Option<ResourceId>,
    /// Its name.
    pub name: Box<str>,
    /// Its zones, where it has any (front-ends of load balancers).
    pub zones: Vec<Box<str>>,
    /// What it says.
    pub properties: P,
}

impl<P: Merge> Merge for Child<P> {
    fn merge(&mut self, other: Self, conflict: &mut bool) {
        self.id.merge(other.id, conflict);
        self.zones.merge(other.zones, conflict);
        self.properties.merge(other.properties, conflict);
    }
}

/// A child of which only the name matters: a rule, a route. There are many, and their ids are long.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, bound = "P: Deserialize<'de> + Default")]
pub struct Named<P> {
    /// Its name.
    pub name: Box<str>,
    /// What it says.
    pub properties: P,
}

impl<P: Merge> Merge for Named<P> {
    fn merge(&mut self, other: Self, conflict: &mut bool) {
        self.properties.merge(other.properties, conflict);
    }
}

impl<P: Merge> MergeItem for Named<P> {
    fn key(&self) -> String {
        self.name.to_lowercase()
    }
    fn merge_item(&mut self, other: Self, conflict: &mut bool) {
        self.merge(other, conflict);
    }
}

/// A resource of a type that the audit knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource<P> {
    /// Its id.
    pub id: ResourceId,
    /// Its name: the last segment of its id.
    pub name: Box<str>,
    /// Its region, as written (`westeurope`, `West Europe`).
    pub location: Option<Box<str>>,
    /// Its SKU, where that stands beside the properties (public addresses, load balancers).
    pub sku: Option<Sku>,
    /// Its availability zones.
    pub zones: Vec<Box<str>>,
    /// What its type says.
    pub properties: P,
}

impl<P: Merge> Merge for Resource<P> {
    fn merge(&mut self, other: Self, conflict: &mut bool) {
        self.location.merge(other.location, conflict);
        self.sku.merge(other.sku, conflict);
        self.zones.merge(other.zones, conflict);
        self.properties.merge(other.properties, conflict);
    }
}
