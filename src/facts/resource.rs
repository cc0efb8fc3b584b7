//! Facts that every ARM resource has, and resources of any type as their JSON.

use rayon::prelude::*;
use serde_json::Value;

use super::schema::{Known, RecordType, Unread, facts};
use super::{Context, Identity, Subject, SubjectKind};
use crate::inventory::classic::is_classic;
use crate::inventory::{self, ResourceId, WholeResource};
use crate::json;

facts! {
    /// Any ARM resource of a type that the audit knows.
    pub struct ResourceFacts {
        /// Its name.
        pub name: String,
        /// Its id as it was spelt.
        pub id: String,
        /// Its type in lower case: `microsoft.network/virtualnetworks`.
        pub resource_type: String,
        /// Its resource group; empty where its id names none.
        pub resource_group: String,
        /// The id of its subscription.
        pub subscription: String,
        /// Its region as written; null where it has none, or none was read.
        pub location: Option<String>,
        /// Whether it belongs to the classic deployment model (Azure Service Management), by its type.
        pub classic: bool,
    }

    /// An ARM resource of the type that the policy names, as its JSON. Names are found in any letter case. What is
    /// absent or null is missing, which makes the verdict unknown unless `has(…)` asked first.
    pub struct WholeResourceFacts {
        /// Its name.
        pub name: String,
        /// Its id as it was spelt.
        pub id: String,
        /// Its type as it was spelt: `Microsoft.Storage/storageAccounts`.
        pub r#type: String,
        /// Its resource group; empty where its id names none.
        pub resource_group: String,
        /// The id of its subscription.
        pub subscription: String,
        /// Its region.
        pub location: Value,
        /// Its tags, by name: `resource.tags["cost-center"]`.
        pub tags: Value,
        /// Its kind, of types that have some: `StorageV2`.
        pub kind: Value,
        /// Its SKU: `resource.sku.name`.
        pub sku: Value,
        /// Its managed identities: `resource.identity.type`.
        pub identity: Value,
        /// Its availability zones.
        pub zones: Value,
        /// Its Marketplace plan.
        pub plan: Value,
        /// The id of the resource that manages it.
        pub managed_by: Value,
        /// Its edge zone or custom location.
        pub extended_location: Value,
        /// All that is particular to its type, as ARM gives it.
        pub properties: Known<Value>,
    }
}

/// The names that expressions about this kind start with.
pub fn roots() -> Vec<(&'static str, &'static RecordType)> {
    vec![("resource", ResourceFacts::describe())]
}

/// The names that expressions about resources of a named type start with.
pub fn whole_roots() -> Vec<(&'static str, &'static RecordType)> {
    vec![("resource", WholeResourceFacts::describe())]
}

/// Calls `visit` for each subject, from several threads. What is of a type that the audit does not know is no subject.
pub fn each(context: Context<'_>, visit: &(dyn Fn(&Subject<'_>) + Sync)) {
    let resources: Vec<(&ResourceId, Option<&str>)> = context.inventory.every_resource().collect();
    resources.par_iter().for_each(|(id, location)| {
        let resource_type = id.resource_type().unwrap_or_default();
        let facts = ResourceFacts {
            name: id.name().to_owned(),
            id: id.to_string(),
            resource_group: id.resource_group().to_owned(),
            subscription: id.subscription().to_owned(),
            location: location.map(str::to_owned),
            classic: is_classic(&resource_type),
            resource_type,
        };
        let identity = identity(id, facts.location.clone());
        visit(&Subject { identity, roots: vec![&facts] });
    });
}

/// Whether [`each`] visits a resource of that id, where it was read.
pub fn is_known(id: &ResourceId) -> bool {
    id.resource_type().is_some_and(|ty| inventory::is_known(&ty))
}

/// Calls `visit` for each resource of that type (any letter case), from several threads.
pub fn each_of_type(ty: &str, context: Context<'_>, visit: &(dyn Fn(&Subject<'_>) + Sync)) {
    context.inventory.whole_of_type(ty).par_iter().for_each(|WholeResource { id, members, .. }| {
        let member = |name| json::member(members, name).cloned().unwrap_or_default();
        let facts = WholeResourceFacts {
            name: id.name().to_owned(),
            id: id.to_string(),
            r#type: member("type").as_str().unwrap_or(ty).to_owned(),
            resource_group: id.resource_group().to_owned(),
            subscription: id.subscription().to_owned(),
            location: member("location"),
            tags: member("tags"),
            kind: member("kind"),
            sku: member("sku"),
            identity: member("identity"),
            zones: member("zones"),
            plan: member("plan"),
            managed_by: member("managedBy"),
            extended_location: member("extendedLocation"),
            properties: properties(id, member("properties")),
        };
        let identity = identity(id, facts.location.as_str().map(str::to_owned));
        visit(&Subject { identity, roots: vec![&facts] });
    });
}

/// A resource that was only listed has none, and nobody knows what they are.
fn properties(id: &ResourceId, json: Value) -> Known<Value> {
    if !json.is_null() {
        return Ok(json);
    }
    let how = "export it whole, as `az resource show --ids …` prints it: a list holds no properties, and az CLI flattens \
               those of some types";
    Err(Unread::new(format!("the `properties` of `{}`", id.name()), how))
}

fn identity(id: &ResourceId, location: Option<String>) -> Identity {
    Identity { kind: SubjectKind::Resource, id: id.clone(), name: id.name().to_owned(), element: None, location }
}
