//! Resources of types that a policy names: kept as their JSON, and those types alone.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{ResourceId, typed};
use crate::json::member;

/// A resource as its JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeResource {
    /// Its type in lower case.
    ty: Box<str>,
    /// Its id.
    pub id: ResourceId,
    /// `location`, `tags`, `sku`, `properties`, …: as they were read, in any letter case.
    pub members: Map<String, Value>,
}

/// The types of which resources are kept whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WholeTypes(BTreeSet<String>);

impl<S: AsRef<str>> FromIterator<S> for WholeTypes {
    fn from_iter<I: IntoIterator<Item = S>>(types: I) -> Self {
        Self(types.into_iter().map(|ty| ty.as_ref().to_lowercase()).collect())
    }
}

impl WholeTypes {
    /// In lower case, ordered.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The names of the lists in which resources of that type (lower case) hold children that are wanted.
    fn lists_of(&self, ty: &str) -> impl Iterator<Item = (&str, &str)> {
        let parts =
            self.0.iter().filter_map(|child| child.rsplit_once('/').map(|(parent, list)| (child, parent, list)));
        parts.filter(move |(_, parent, _)| *parent == ty).map(|(child, _, list)| (child.as_str(), list))
    }

    /// Whether a resource of that type (lower case) is wanted, or holds some that are.
    pub(super) fn concern(&self, ty: &str) -> bool {
        !self.0.is_empty() && (self.0.contains(ty) || self.lists_of(ty).next().is_some())
    }

    /// Hands over what is wanted of a resource: itself, and the children that its properties list, as a network does
    /// its subnets.
    pub(super) fn take(
        &self,
        id: &ResourceId,
        ty: &str,
        members: Map<String, Value>,
        mut keep: impl FnMut(WholeResource),
    ) {
        let properties = member(&members, "properties").and_then(Value::as_object);
        for (child, list) in self.lists_of(ty) {
            let children = properties.and_then(|properties| member(properties, list)).and_then(Value::as_array);
            for members in children.into_iter().flatten().filter_map(Value::as_object) {
                let text = |name| member(members, name).and_then(Value::as_str).filter(|text| !text.is_empty());
                let own = text("id").map(ResourceId::new).filter(|id| id.resource_type().is_some());
                if let Some(id) = own.or_else(|| text("name").map(|name| id.child(list, name))) {
                    keep(WholeResource { ty: child.into(), id, members: members.clone() });
                }
            }
        }
        if self.0.contains(ty) {
            keep(WholeResource { ty: ty.into(), id: id.clone(), members });
        }
    }
}

/// Ordered by type and id, each id once: the copy that was read first counts.
pub(super) fn merged(mut rows: Vec<(u64, WholeResource)>, notes: &mut Vec<String>) -> Vec<WholeResource> {
    rows.sort_by(|(a_order, a), (b_order, b)| (&a.ty, &a.id, a_order).cmp(&(&b.ty, &b.id, b_order)));
    let mut merged: Vec<WholeResource> = Vec::with_capacity(rows.len());
    for (_, row) in rows {
        match merged.last() {
            Some(last) if last.ty == row.ty && last.id == row.id => {
                if last.members != row.members {
                    notes.push(format!("`{}` was read twice and the copies differ; the first one counts", row.id));
                }
            }
            _ => merged.push(row),
        }
    }
    merged
}

/// Those of that type (lower case).
pub(super) fn of_type<'a>(all: &'a [WholeResource], ty: &str) -> &'a [WholeResource] {
    let start = all.partition_point(|row| *row.ty < *ty);
    let end = all.partition_point(|row| *row.ty <= *ty);
    &all[start..end]
}

/// How many are of types that the audit itself does not know.
pub(super) fn of_other_types(all: &[WholeResource]) -> u64 {
    all.iter().filter(|row| typed(&row.ty).is_none()).count() as u64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RG: &str = "/subscriptions/s/resourceGroups/rg/providers";

    fn take(types: &[&str], ty: &str, id: &str, json: Value) -> Vec<(String, Value)> {
        let types: WholeTypes = types.iter().collect();
        let mut kept = Vec::new();
        let Value::Object(members) = json else { panic!("no object") };
        types.take(&ResourceId::new(id), ty, members, |it| kept.push((it.id.to_string(), json!(it.members))));
        kept
    }

    #[test]
    fn a_resource_is_kept_where_its_type_is_wanted() {
        let (id, json) = (format!("{RG}/Microsoft.Storage/storageAccounts/a"), json!({"kind": "StorageV2"}));
        let ty = "microsoft.storage/storageaccounts";
        assert_eq!(take(&["Microsoft.Storage/storageAccounts"], ty, &id, json.clone()), [(id.clone(), json.clone())]);
        assert_eq!(take(&["Microsoft.Storage/other"], ty, &id, json), []);
    }

    #[test]
    fn children_are_found_in_the_list_of_their_parent() {
        let id = format!("{RG}/Microsoft.Network/virtualNetworks/hub");
        let named = json!({"name": "a", "properties": {}});
        let with_id = json!({"name": "b", "id": format!("{id}/subnets/B")});
        let network = json!({"Properties": {"Subnets": [named, with_id, "x", {"properties": {}}]}});
        let ty = "microsoft.network/virtualnetworks";
        let kept = take(&["Microsoft.Network/virtualNetworks/subnets"], ty, &id, network);
        assert_eq!(kept, [(format!("{id}/subnets/a"), named), (format!("{id}/subnets/B"), with_id)]);
    }

    #[test]
    fn of_two_copies_the_first_counts_and_a_difference_is_told() {
        let row = |order, kind: &str| {
            let Value::Object(members) = json!({"kind": kind}) else { panic!("no object") };
            (order, WholeResource { ty: "a.b/c".into(), id: ResourceId::new("/x"), members })
        };
        for (second, remarks) in [("one", 0), ("two", 1)] {
            let mut notes = Vec::new();
            let all = merged(vec![row(2, second), row(1, "one")], &mut notes);
            assert_eq!((all.len(), notes.len()), (1, remarks));
            assert_eq!(all[0].members["kind"], "one");
        }
    }
}
