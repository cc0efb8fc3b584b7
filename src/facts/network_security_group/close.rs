//! Commands that close a group nobody uses: Allow rules become Deny rules. They are handed out only if the rules,
//! evaluated again with all of them made, let nobody of the Internet through.

use crate::facts::command::{Command, az};
use crate::facts::nsg::{Edit, Group};

use super::open::{Open, World};

/// How many rules are changed at most, and among how many destinations.
const MOST_EDITS: usize = 20;
const MOST_ENDS: usize = 256;

/// How to close the port.
#[derive(Default)]
pub(super) struct Plan {
    pub commands: Vec<Command>,
    /// What they do, or why there are none.
    pub text: &'static str,
}

const SHUT: &str = "To keep its other rules, run the commands: they turn the rules that admit the Internet to this port \
    into denials, and open nothing.";
const SHUT_MORE: &str = "To keep its other rules, run the commands: they turn the rules that admit the Internet to this \
    port into denials, also for the other ports that these rules name, and open nothing.";
const BY_HAND: &str = "To keep its other rules, narrow those that admit the Internet to this port to the sources that \
    need it: no short list of commands does that for certain.";

/// The plan; nothing, where nobody certainly gets through.
pub(super) fn plan(group: &Group, world: &World, port: u16, open: &Open) -> Plan {
    if open.widest.is_none() {
        return Plan::default();
    }
    shut(group, world, port, open).unwrap_or(Plan { commands: Vec::new(), text: BY_HAND })
}

fn shut(group: &Group, world: &World, port: u16, open: &Open) -> Option<Plan> {
    let mut edited = group.clone();
    let mut open = open.clone();
    let mut plan = Plan { commands: Vec::new(), text: SHUT };
    while open.widest.is_some() {
        if plan.commands.len() == MOST_EDITS || open.ends > MOST_ENDS {
            return None;
        }
        let (index, rule) = open.decider(&edited, world, port)?;
        if rule.default {
            return None;
        }
        if !rule.local.ports.only(port) {
            plan.text = SHUT_MORE;
        }
        plan.commands.push(deny(group, &rule.name));
        edited = edited.edited(&Edit::Shut(index))?;
        open = Open::new(&edited, world, port);
    }
    Some(plan)
}

fn deny(group: &Group, rule: &str) -> Command {
    let named = ["--nsg-name", group.id.name(), "--name", rule, "--access", "Deny"];
    az("network nsg rule update", &group.id, &named)
}
