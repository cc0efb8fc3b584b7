//! Security admin rules of virtual network managers, by the network that they apply to.

use std::collections::{HashMap, HashSet};

use crate::inventory::{Inventory, ResourceId};

use super::{ADMIN_RULES, NETWORK, incomplete, subnets};
use crate::facts::nsg::Group;
use crate::facts::schema::Unread;

/// Networks whose admin rules exist and were not read.
#[derive(Default)]
pub(super) struct AdminUnread {
    pub(super) networks: HashMap<ResourceId, Unread>,
    pub(super) everywhere: Option<Unread>,
    /// Subscriptions whose list was refused, in lower case.
    pub(super) gaps: HashMap<String, Unread>,
}

pub(super) fn admin_rules(inventory: &Inventory) -> (HashMap<ResourceId, Group>, AdminUnread) {
    let mut rules: HashMap<ResourceId, Vec<_>> = HashMap::new();
    let mut unread = AdminUnread::default();
    let subscriptions: HashSet<String> = subnets(inventory).map(|id| id.subscription().to_lowercase()).collect();
    for subscription in subscriptions {
        let gap = incomplete(inventory, ADMIN_RULES, "security admin rules", &subscription);
        unread.gaps.extend(gap.map(|gap| (subscription, gap)));
    }
    let how = "list them with `az network manager list-effective-security-admin-rules`, or look at the network manager";
    for row in inventory.security_admin_rules.iter() {
        let end = row.id.key().find(&format!("/providers/{ADMIN_RULES}"));
        let network = end.and_then(|end| row.id.as_str().get(..end)).map(ResourceId::new);
        let network = network.filter(|id| id.resource_type().as_deref() == Some(NETWORK));
        let rule = &row.properties;
        match (network, &rule.effective_security_admin_configurations) {
            (Some(network), _) if rule.access.is_some() => rules.entry(network).or_default().push(row),
            (Some(_), Some(configurations)) if configurations.is_empty() => {}
            (Some(network), _) => {
                let what = format!("the security admin rules that apply to the network `{}`", network.name());
                unread.networks.insert(network, Unread::new(what, how));
            }
            (None, _) => {
                let what = format!("the network that the security admin rule `{}` applies to", row.name);
                unread.everywhere = Some(Unread::new(what, how));
            }
        }
    }
    let rules = rules.into_iter().map(|(network, rows)| {
        let group = Group::of_admin_rules(&network, rows.into_iter());
        (network, group)
    });
    (rules.collect(), unread)
}
