//! Which subscriptions are audited: names and ids resolved, and those found that the identity may not read.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use super::LiveOptions;
use super::client::{Call, Client, Step};
use super::error::LiveError;
use super::failure::Failure;
use super::lists::Pager;
use super::{graph, kinds};
use crate::source::{Reason, Sink};

/// A subscription, or a resource group of one, that is audited.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// The subscription's id in lower case.
    pub(super) subscription: String,
    /// `/subscriptions/<id>`, with `/resourceGroups/<name>` where only that is audited.
    pub(super) path: String,
    /// Why the subscription itself could not be read, if so.
    pub(super) denied: Option<Failure>,
}

impl Scope {
    /// The subscription's own path.
    pub(super) fn subscription_path(&self) -> String {
        format!("/subscriptions/{}", self.subscription)
    }

    /// Whether nothing more needs to be asked: it is not there, or not for us.
    pub(super) fn is_lost(&self) -> bool {
        self.is_refused()
            || self.denied.as_ref().and_then(|it| it.code.as_deref()).is_some_and(|code| {
                ["SubscriptionNotFound", "InvalidSubscriptionId"].iter().any(|it| code.eq_ignore_ascii_case(it))
            })
    }

    /// Whether the identity may not read it, whatever else was found in it.
    pub(super) fn is_refused(&self) -> bool {
        self.denied.as_ref().is_some_and(|it| matches!(it.status, Some(401 | 403)))
    }
}

#[derive(Clone, Debug, Deserialize)]
struct Subscription {
    #[serde(rename = "subscriptionId")]
    id: String,
    #[serde(rename = "displayName", default)]
    name: String,
    #[serde(default)]
    state: String,
}

/// The scopes to audit, sorted.
pub(super) async fn resolve(
    client: &Arc<Client>,
    options: &LiveOptions,
    sink: &mut dyn Sink,
) -> Result<Vec<Scope>, LiveError> {
    if options.subscriptions.is_empty() && options.management_groups.is_empty() && !options.all_subscriptions {
        return Err(LiveError::NothingAsked);
    }
    let (listed, failed) = list(client).await;
    let base = client.endpoint().base().to_string();
    match &failed {
        Some(failure) if failure.status == Some(401) => {
            return Err(LiveError::Rejected { url: base, detail: failure.detail.clone() });
        }
        Some(failure) if listed.is_empty() && failure.status.is_none() && failure.reason == Reason::Unreachable => {
            return Err(LiveError::Unreachable { url: base, detail: failure.detail.clone() });
        }
        _ => {}
    }
    let mut ids = BTreeSet::new();
    for asked in &options.subscriptions {
        ids.insert(find(asked.trim(), &listed, failed.as_ref())?);
    }
    if options.all_subscriptions {
        for it in listed.iter().filter(|it| !it.state.eq_ignore_ascii_case("Deleted")) {
            ids.insert(it.id.to_lowercase());
        }
        if let Some(failure) = &failed {
            sink.gap(failure.gap("/", "subscription"));
        } else if ids.is_empty() {
            return Err(LiveError::NoSubscription);
        }
    }
    for group in &options.management_groups {
        ids.extend(below(client, group.trim(), sink).await?);
    }
    let mut scopes = Vec::new();
    for subscription in ids {
        let known = listed.iter().any(|it| it.id.eq_ignore_ascii_case(&subscription));
        let path = match &options.resource_group {
            Some(group) => format!("/subscriptions/{subscription}/resourceGroups/{group}"),
            None => format!("/subscriptions/{subscription}"),
        };
        let denied = if known { None } else { look_at(client, &subscription).await.err() };
        scopes.push(Scope { subscription, path, denied });
    }
    Ok(scopes)
}

/// The subscriptions that the identity sees, as far as their list could be read.
async fn list(client: &Arc<Client>) -> (Vec<Subscription>, Option<Failure>) {
    let url = client.endpoint().url("/subscriptions", &format!("api-version={}", kinds::SUBSCRIPTIONS));
    let mut pager = Pager::new(Step::Subscriptions, url);
    let mut listed = Vec::new();
    while let Some(page) = pager.next(client).await {
        match page {
            Ok(page) => listed.extend(page.rows.iter().filter_map(|row| serde_json::from_str(row).ok())),
            Err(failure) => return (listed, Some(failure)),
        }
    }
    (listed, None)
}

/// The subscriptions below a management group, also of groups within it, as far as the identity may read them.
async fn below(client: &Arc<Client>, group: &str, sink: &mut dyn Sink) -> Result<Vec<String>, LiveError> {
    let (rows, failed) = graph::subscriptions_below(client, group).await;
    let found: Vec<String> = rows
        .iter()
        .filter_map(|row| serde_json::from_str::<Subscription>(row).ok())
        .map(|it| it.id.to_lowercase())
        .collect();
    match failed {
        None if found.is_empty() => {
            let detail = "Resource Graph knows none that the identity may read".to_owned();
            Err(LiveError::ManagementGroup { group: group.to_owned(), detail })
        }
        Some(failure) if found.is_empty() => {
            Err(LiveError::ManagementGroup { group: group.to_owned(), detail: failure.detail })
        }
        Some(failure) => {
            let scope = format!("/providers/Microsoft.Management/managementGroups/{group}");
            sink.gap(failure.gap(&scope, "subscription"));
            Ok(found)
        }
        None => Ok(found),
    }
}

async fn look_at(client: &Client, id: &str) -> Result<(), Failure> {
    let url = client.endpoint().url(&format!("/subscriptions/{id}"), &format!("api-version={}", kinds::SUBSCRIPTIONS));
    let answer = client.read(Call::get(Step::Subscriptions, url), |_| Ok(())).await;
    // Azure does not tell a subscription that is not there from one that is not for us.
    answer.map_err(|it| if it.reason == Reason::Missing { Failure { reason: Reason::Forbidden, ..it } } else { it })
}

/// The id of the subscription that was asked for by id or name.
fn find(asked: &str, listed: &[Subscription], failed: Option<&Failure>) -> Result<String, LiveError> {
    let id = asked.rsplit_once("/subscriptions/").map_or(asked, |(_, id)| id).to_lowercase();
    if is_guid(&id) {
        return Ok(id);
    }
    if let Some(it) = listed.iter().find(|it| it.id.eq_ignore_ascii_case(&id)) {
        return Ok(it.id.to_lowercase());
    }
    let named: Vec<&Subscription> = listed.iter().filter(|it| it.name.eq_ignore_ascii_case(asked)).collect();
    match named.as_slice() {
        [one] => return Ok(one.id.to_lowercase()),
        [] => {}
        several => {
            let ids = several.iter().map(|it| it.id.clone()).collect();
            return Err(LiveError::AmbiguousSubscription { name: asked.to_owned(), ids });
        }
    }
    if let Some(failure) = failed {
        return Err(LiveError::NameLookup { name: asked.to_owned(), detail: failure.detail.clone() });
    }
    let lower = asked.to_lowercase();
    let mut near: Vec<(f64, &str)> = listed
        .iter()
        .map(|it| (strsim::jaro_winkler(&lower, &it.name.to_lowercase()), it.name.as_str()))
        .filter(|(score, _)| *score > 0.8)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let near = near.into_iter().take(3).map(|(_, name)| name.to_owned()).collect();
    Err(LiveError::UnknownSubscription { name: asked.to_owned(), near })
}

/// Whether that is an id, `8-4-4-4-12` hexadecimal digits.
fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b1f6471-1bf0-4dda-aec3-cb9272f09590";

    fn listed(names: &[&str]) -> Vec<Subscription> {
        let one = |(i, name): (usize, &&str)| Subscription {
            id: format!("{i:08}-0000-0000-0000-000000000000"),
            name: (*name).to_owned(),
            state: "Enabled".into(),
        };
        names.iter().enumerate().map(one).collect()
    }

    #[test]
    fn an_id_needs_no_list() {
        let failure = Failure::new(Reason::Forbidden, "no");
        assert_eq!(find(&ID.to_uppercase(), &[], Some(&failure)), Ok(ID.to_owned()));
        assert_eq!(find(&format!("/subscriptions/{ID}"), &[], None), Ok(ID.to_owned()));
    }

    #[test]
    fn a_name_is_found_in_any_letter_case() {
        let listed = listed(&["Contoso Hub", "Contoso Spoke"]);
        assert_eq!(find("contoso spoke", &listed, None), Ok(listed[1].id.clone()));
    }

    #[test]
    fn an_unknown_name_suggests_near_ones() {
        let listed = listed(&["Contoso Hub", "Fabrikam"]);
        let error = find("Contoso Hubb", &listed, None).unwrap_err();
        assert_eq!(error.hint(), "did you mean `Contoso Hub`?");
        let failure = Failure::new(Reason::Forbidden, "no");
        assert!(matches!(find("Contoso Hubb", &listed, Some(&failure)), Err(LiveError::NameLookup { .. })));
    }

    #[test]
    fn two_of_one_name_are_not_guessed_between() {
        let listed = listed(&["Contoso", "contoso"]);
        assert!(
            matches!(find("Contoso", &listed, None), Err(LiveError::AmbiguousSubscription { ids, .. }) if ids.len() == 2)
        );
    }
}
