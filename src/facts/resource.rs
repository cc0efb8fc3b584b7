//! Facts that every ARM resource has.

use rayon::prelude::*;

use super::schema::{RecordType, facts};
use super::{Context, Identity, Subject, SubjectKind};
use crate::inventory::ResourceId;
use crate::inventory::classic::is_classic;

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
}

/// The names that expressions about this kind start with.
pub fn roots() -> Vec<(&'static str, &'static RecordType)> {
    vec![("resource", ResourceFacts::describe())]
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
        let identity = Identity {
            kind: SubjectKind::Resource,
            id: (*id).clone(),
            name: facts.name.clone(),
            element: None,
            location: facts.location.clone(),
        };
        visit(&Subject { identity, roots: vec![&facts] });
    });
}
