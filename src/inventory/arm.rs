//! The few shapes that all of ARM is built from, and the macro that declares a resource's own.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::id::ResourceId;
use super::lenient;

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

/// References that Azure keeps beside the resource and the audit can do without: what an export left of one costs
/// nothing, it points nowhere.
pub(crate) fn back_references<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Reference>, D::Error> {
    lenient::tolerating_nulls(|| deserializer.deserialize_any(BackReferences(|_| true)))
}

/// As [`back_references`], without those to network interfaces: a subnet has one of them for each address in it.
pub(crate) fn back_references_but_interfaces<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Reference>, D::Error> {
    lenient::tolerating_nulls(|| deserializer.deserialize_any(BackReferences(|id| !is_of_interface(id))))
}

/// Whether an id lies within a network interface, also of a scale set.
fn is_of_interface(id: &str) -> bool {
    id.split('/').any(|segment| segment.eq_ignore_ascii_case("networkInterfaces"))
}

/// A list of references, or whatever stands in its place; only the ids that hold are kept.
struct BackReferences(fn(&str) -> bool);

/// The id of an entry, whatever else the entry is.
struct EntryId(Option<String>);

macro_rules! visit_rubbish {
    ($nothing:expr; $($method:ident($($ty:ty)?))*) => {$(
        fn $method<E: Error>(self $(, _: $ty)?) -> Result<Self::Value, E> { Ok($nothing) }
    )*};
}

impl<'de> Visitor<'de> for BackReferences {
    type Value = Vec<Reference>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of references")
    }

    visit_rubbish! { Vec::new(); visit_unit() visit_bool(bool) visit_i64(i64) visit_u64(u64) visit_f64(f64) visit_str(&str) }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while let Some(EntryId(id)) = list.next_element()? {
            self.take(id, &mut found);
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        self.take(EntryIdVisitor.visit_map(map)?.0, &mut found);
        Ok(found)
    }
}

impl BackReferences {
    fn take(&self, id: Option<String>, found: &mut Vec<Reference>) {
        match id {
            Some(id) if !(self.0)(&id) => {}
            id => found.push(Reference { id: id.map(|id| ResourceId::new(&id)) }),
        }
    }
}

impl<'de> Deserialize<'de> for EntryId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryIdVisitor)
    }
}

struct EntryIdVisitor;

impl<'de> Visitor<'de> for EntryIdVisitor {
    type Value = EntryId;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a reference")
    }

    visit_rubbish! { EntryId(None); visit_unit() visit_bool(bool) visit_i64(i64) visit_u64(u64) visit_f64(f64) visit_str(&str) }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(EntryId(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut id = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.eq_ignore_ascii_case("id") {
                true => id = map.next_value::<serde_json::Value>()?.as_str().map(str::to_owned),
                false => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(EntryId(id))
    }
}

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
