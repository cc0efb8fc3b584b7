//! A rule that decides nothing, in words.

use crate::facts::command::{Command, az};
use crate::facts::nsg::{Access, Group, Rule};
use crate::facts::schema::Known;

/// How many of the covering rules a sentence names.
const NAMED: usize = 3;

fn with_priority(rule: &Rule) -> String {
    match rule.priority {
        Some(priority) => format!("`{}` (priority {priority})", rule.name),
        None => format!("`{}`", rule.name),
    }
}

fn covering(rule: &Rule) -> String {
    let access = match rule.access {
        Some(Access::Deny) => "Deny",
        Some(Access::Allow | Access::AlwaysAllow) => "Allow",
        None => "access not known",
    };
    match rule.priority {
        Some(priority) => format!("`{}` (priority {priority}, {access})", rule.name),
        None => format!("`{}` ({access})", rule.name),
    }
}

fn list(by: &[&Rule]) -> String {
    let mut words: Vec<String> = by.iter().take(NAMED).map(|rule| covering(rule)).collect();
    if by.len() > NAMED {
        words.push(format!("{} more", by.len() - NAMED));
    }
    match words.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => words.concat(),
    }
}

/// What the covering rules do with all that the rule is about.
fn taking(by: &[&Rule]) -> &'static str {
    let deny = |rule: &&Rule| rule.access == Some(Access::Deny);
    match (by.len(), by.iter().all(deny), by.iter().all(|rule| rule.access.is_some() && !deny(rule))) {
        (1, true, _) => "comes first and denies all of it",
        (_, true, _) => "come first and deny all of it",
        (1, _, true) => "comes first and allows all of it",
        (_, _, true) => "come first and allow all of it",
        (1, ..) => "comes first and decides all of it",
        _ => "come first and decide all of it",
    }
}

/// What a shadowed rule does not do and why, what to do about it, and whether deleting it is that.
pub(super) fn shadowed(group: &Group, rule: &Rule, by: &[&Rule], contradicted: Option<bool>) -> (String, String, bool) {
    let subject = format!("{} of `{}`", with_priority(rule), group.name);
    let does = match rule.access {
        Some(Access::Deny) => "denies nothing",
        Some(Access::Allow | Access::AlwaysAllow) => "allows nothing",
        None => "decides nothing",
    };
    if by.is_empty() {
        let finding =
            format!("{subject} {does}: no packet has such a source, destination, protocol and ports together");
        return (finding, "Delete the rule, which changes nothing, or correct what it names.".to_owned(), true);
    }
    let (list, taking) = (list(by), taking(by));
    let same = |it: &&Rule| it.access == rule.access;
    match contradicted {
        Some(false) => (
            format!("{subject} is superfluous: {list} {taking}"),
            "Delete the rule, which changes nothing.".to_owned(),
            true,
        ),
        Some(true) => (
            format!("{subject} {}: {list} {taking}", if by.iter().any(same) { "decides nothing" } else { does }),
            format!(
                "Somebody believes in a rule that does nothing. Decide what is meant: if it is this rule, give it a \
                 smaller number than {} has{}; if not, delete it.",
                by.iter().min_by_key(|it| it.priority).map(|it| format!("`{}`", it.name)).unwrap_or_default(),
                if rule.access == Some(Access::Deny) { "" } else { ", and narrow it to the sources that need it" },
            ),
            false,
        ),
        None => (
            format!("{subject} decides nothing: {list} {taking}"),
            "Look in Azure at what these rules do, and delete the rule if they do what it should.".to_owned(),
            false,
        ),
    }
}

/// What is to be said of a rule that is not shadowed for certain.
pub(super) fn not_shadowed(group: &Group, rule: &Rule, shadowed: &Known<bool>) -> String {
    let subject = format!("{} of `{}`", with_priority(rule), group.name);
    match shadowed {
        Ok(_) => format!("{subject} decides packets that no rule before it matches"),
        Err(unread) => format!("nobody knows whether {subject} decides anything: {} is not known", unread.what),
    }
}

/// The command that deletes the rule.
pub(super) fn delete(group: &Group, rule: &Rule) -> Command {
    az("network nsg rule delete", &group.id, &["--nsg-name", group.id.name(), "--name", &rule.name])
}
