//! JSON objects as ARM and the tools around it write them.

use serde_json::{Map, Value};

/// The member of that name: as it is spelt, else in any letter case, in which tools differ.
pub(crate) fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let in_any_case = || members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    members.get(name).or_else(in_any_case)
}
