//! A rule that decides nothing, in words.

use crate::facts::command::Command;
use crate::facts::nsg::{Access, Group, Rule};
use crate::facts::schema::{Known, Unread};

/// How many of the covering rules a sentence names.
const NAMED: usize = 3;

/// Several things that were not read, as one.
pub(super) fn join(unread: &[Unread]) -> Unread {
    let whats: Vec<&str> = unread.iter().map(|it| it.what.as_str()).collect();
    let what = match whats.as_slice() {
        [] => "what the rules mean".to_owned(),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} and {two}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    };
    let how = unread.first().map_or("export the group again", |it| &it.how);
    Unread::new(what, how)
}

fn with_priority(rule: &Rule) -> String {
    match rule.priority {
        Some(priority) => format!("`{}` (priority {priority})", rule.name),
        None => format!("`{}`", rule.name),
    }
}

fn verb(rule: &Rule) -> &'static str {
    match rule.access {
        Some(Access::Deny) => "denies",
        Some(Access::Allow | Access::AlwaysAllow) => "allows",
        None => "decides",
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

/// What a shadowed rule does not do and why, what to do about it, and whether deleting it is that.
pub(super) fn shadowed(group: &Group, rule: &Rule, by: &[&Rule], agrees: Option<bool>) -> (String, String, bool) {
    let subject = format!("{} of `{}`", with_priority(rule), group.name);
    let verb = verb(rule);
    if by.is_empty() {
        let finding = format!(
            "{subject} {verb} nothing: no packet has such a source and such a destination, ports and protocol together"
        );
        let mending = "Delete the rule: that changes nothing. Or correct what it names.";
        return (finding, mending.to_owned(), true);
    }
    let (come, take) = if by.len() == 1 { ("comes", "takes") } else { ("come", "take") };
    let list = list(by);
    match agrees {
        Some(true) => (
            format!("{subject} is superfluous: {list} {come} first and already {} all of it", plural(verb, by.len())),
            "Delete the rule: that changes nothing.".to_owned(),
            true,
        ),
        Some(false) => (
            format!("{subject} {verb} nothing: {list} {come} first and {take} all of it"),
            format!(
                "Somebody believes in a rule that does nothing. Decide what is meant: if it is this rule, give it a \
                 smaller number than {} has{}; if not, delete it.",
                by.iter().min_by_key(|it| it.priority).map(|it| format!("`{}`", it.name)).unwrap_or_default(),
                if rule.access == Some(Access::Deny) { "" } else { ", and narrow it to the sources that need it" },
            ),
            false,
        ),
        None => (
            format!("{subject} never decides anything: {list} {come} first and {take} all of it"),
            "Look in Azure at what these rules do, and delete the rule if they do what it should.".to_owned(),
            false,
        ),
    }
}

fn plural(verb: &str, number: usize) -> String {
    if number == 1 { verb.to_owned() } else { verb.replace("denies", "deny").replace("allows", "allow") }
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
    let id = &group.id;
    let words = ["az", "network", "nsg", "rule", "delete", "--subscription", id.subscription(), "--resource-group"];
    let named = [id.resource_group(), "--nsg-name", id.name(), "--name", &rule.name];
    Command::new(words.into_iter().chain(named))
}
