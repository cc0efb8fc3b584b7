//! Changes of a group that can only close: what they would do is found out before anybody is told to make them.

use std::sync::Arc;

use super::rule::{Access, Addresses, Group, Rule, Side};
use super::{Ports, Protocols};

/// A change of a group. None of them lets in a packet that was kept out before: an Allow shrinks, or a Deny comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// The Allow of that place among the inbound rules becomes a Deny.
    Shut(usize),
    /// The Allow of that place goes away.
    Remove(usize),
    /// The Allow of that place, open to any source, is narrowed to the tag `VirtualNetwork`.
    Narrow(usize),
    /// A new rule denies the tag `Internet` that port, over every protocol.
    DenyInternet {
        /// Its name.
        name: String,
        /// Its priority.
        priority: i64,
        /// The port.
        port: u16,
    },
}

impl Group {
    /// The group with those inbound rules only.
    pub fn filtered(&self, keep: impl Fn(&Rule) -> bool) -> Self {
        let mut group = self.clone();
        let kept: Vec<bool> = self.inbound.list.iter().map(|rule| keep(rule)).collect();
        let mut at = kept.iter();
        group.inbound.list.retain(|_| at.next().copied().unwrap_or(true));
        let mut at = kept.iter();
        group.inbound.pieces.retain(|_| at.next().copied().unwrap_or(true));
        group
    }

    /// The group with each inbound AlwaysAllow turned into a Deny: nobody gets in past the groups.
    pub fn without_always_allow(&self) -> Self {
        let mut group = self.clone();
        for rule in group.inbound.list.iter_mut().filter(|rule| rule.access == Some(Access::AlwaysAllow)) {
            *rule = Arc::new(Rule { access: Some(Access::Deny), ..(**rule).clone() });
        }
        group
    }

    /// The group after that change; `None`: the change is none that closes (it names a Deny, or a rule before which the
    /// new one would not stand).
    pub fn edited(&self, edit: &Edit) -> Option<Self> {
        let mut group = self.clone();
        let allow = |index: usize| self.inbound.list.get(index).filter(|rule| rule.access == Some(Access::Allow));
        match edit {
            Edit::Shut(index) => {
                let rule = allow(*index)?;
                group.inbound.list[*index] = Arc::new(Rule { access: Some(Access::Deny), ..(**rule).clone() });
            }
            Edit::Remove(index) => {
                allow(*index)?;
                group.inbound.list.remove(*index);
                group.inbound.pieces.remove(*index);
            }
            Edit::Narrow(index) => {
                let rule = allow(*index).filter(|rule| rule.remote.addresses.is_any())?;
                let network = Addresses { virtual_network: true, ..Addresses::default() };
                let remote = Side { addresses: network, ports: rule.remote.ports.clone() };
                group.inbound.list[*index] = Arc::new(Rule { remote, ..(**rule).clone() });
                group.inbound.pieces[*index].clear();
            }
            Edit::DenyInternet { name, priority, port } => {
                let any = Ports::new(None, &[]);
                group.inbound.list.push(Arc::new(Rule {
                    name: name.as_str().into(),
                    priority: Some(*priority),
                    access: Some(Access::Deny),
                    direction_known: true,
                    default: false,
                    protocols: Protocols::ANY,
                    remote: Side {
                        addresses: Addresses { internet: true, ..Addresses::default() },
                        ports: any.clone(),
                    },
                    local: Side { addresses: Addresses::any(), ports: Ports::new(Some(&port.to_string()), &[]) },
                }));
                group.inbound.pieces.push(Vec::new());
            }
        }
        Some(group)
    }
}
