//! Lists of one type in one scope, page by page: what is read where Resource Graph does not answer.

use std::collections::HashSet;
use std::sync::Arc;

use url::Url;

use super::client::{Call, Client, Step};
use super::failure::Failure;
use super::intake::{Event, Events};
use super::kinds::{self, Kind, Listing};
use super::page::{EMPTY_PAGES, Page};
use super::plan::all;
use super::row::Row;
use super::subscriptions::Scope;
use crate::source::Reason;

/// Follows a list from link to link.
pub(super) struct Pager {
    step: Step,
    next: Option<Result<Url, Failure>>,
    visited: HashSet<Url>,
    /// Empty pages in a row.
    empty: u32,
}

impl Pager {
    pub(super) fn new(step: Step, first: Url) -> Self {
        Self { step, next: Some(Ok(first)), visited: HashSet::new(), empty: 0 }
    }

    /// The next page; `None` after the last one, and after a failure.
    pub(super) async fn next(&mut self, client: &Client) -> Option<Result<Page, Failure>> {
        let url = match self.next.take()? {
            Ok(url) => url,
            Err(failure) => return Some(Err(failure)),
        };
        if !self.visited.insert(url.clone()) {
            let detail = "the list leads back to a page that was read before";
            return Some(Err(Failure::new(Reason::Damaged, detail)));
        }
        let page = client.read(Call::get(self.step, url.clone()), Page::list).await;
        self.empty = if page.as_ref().is_ok_and(|page| page.rows.is_empty()) { self.empty + 1 } else { 0 };
        if self.empty > EMPTY_PAGES {
            return Some(Err(Failure::new(Reason::Damaged, "the list goes on with empty pages again and again")));
        }
        if let Ok(Page { next: Some(link), .. }) = &page {
            let followed = client.endpoint().follow(&url, link);
            self.next = Some(followed.map_err(|problem| {
                Failure::new(Reason::Unreachable, format!("the link to the next page is not followed: {problem}"))
            }));
        }
        Some(page)
    }
}

/// A resource, read by its id.
pub(super) async fn get(client: &Client, step: Step, id: &str, ty: &str) -> Result<Row, Failure> {
    let mut query = format!("api-version={}", kinds::api_version(ty));
    if ty == kinds::VIRTUAL_MACHINE {
        query.push_str("&$expand=instanceView");
    }
    let url = client.endpoint().url(id, &query);
    let row = |text: &str| {
        let row = Row::new(text.to_owned());
        let json = serde_json::from_str::<&serde_json::value::RawValue>(text).map_err(|error| error.to_string());
        json.and_then(|_| if row.id.is_empty() { Err("it is no resource".to_owned()) } else { Ok(row) })
    };
    client.read(Call::get(step, url), row).await
}

/// What is done with the rows of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// They are taken as they are.
    Whole,
    /// They are ids alone: each resource is read by a GET.
    Ids,
    /// They are machines that lack how they run: a GET of each tells it.
    Machines,
}

/// Lists one type in one scope.
pub(super) async fn list(client: Arc<Client>, kind: &'static Kind, scope: Scope, input: usize, events: Events) {
    let whole_subscription = scope.path == scope.subscription_path();
    let rows = match kind.listing {
        Listing::Group if whole_subscription => Rows::Ids,
        // A group has no list of how its machines run.
        _ if kind.name == kinds::VIRTUAL_MACHINE && !whole_subscription => Rows::Machines,
        _ => Rows::Whole,
    };
    let url = if rows == Rows::Ids || kind.listing == Listing::Ids {
        let filter = format!("$filter=resourceType eq '{}'&api-version={}", kind.path, kinds::RESOURCES);
        client.endpoint().url(&format!("{}/resources", scope.path), &filter)
    } else {
        let version = format!("api-version={}", kinds::api_version(kind.name));
        client.endpoint().url(&format!("{}/providers/{}", scope.path, kind.path), &version)
    };
    let result = match kind.listing {
        Listing::ByManager => no_manager(&client, url).await,
        _ => follow(&client, url, kind, rows, input, &events).await,
    };
    let none = |failure: &Failure| {
        failure.means_none() || (kind.name == kinds::JUST_IN_TIME.name && failure.means_unregistered())
    };
    match result {
        Err(failure) if none(&failure) => {}
        Err(failure) => drop(events.send(Event::Gap(failure.gap(&scope.path, kind.name))).await),
        Ok(()) if kind.name == kinds::VIRTUAL_MACHINE && whole_subscription => {
            instance_views(&client, &scope, input, &events).await;
        }
        Ok(()) => {}
    }
}

/// How the machines of a subscription run: a list of their own, since the list of the machines does not say it.
async fn instance_views(client: &Client, scope: &Scope, input: usize, events: &Events) {
    let query = format!("api-version={}&statusOnly=true", kinds::api_version(kinds::VIRTUAL_MACHINE));
    let path = format!("{}/providers/Microsoft.Compute/virtualMachines", scope.path);
    let mut pager = Pager::new(Step::Lists, client.endpoint().url(&path, &query));
    while let Some(page) = pager.next(client).await {
        let event = match page {
            Ok(page) => Event::More { rows: page.rows.into_iter().map(Row::new).collect(), input },
            Err(failure) => Event::Gap(failure.gap(&scope.path, INSTANCE_VIEW)),
        };
        let _ = events.send(event).await;
    }
}

/// What is missing where nobody says how machines run.
const INSTANCE_VIEW: &str = "instanceView";

/// Fails where there is a network manager: only Resource Graph shows what its rules do to the networks.
async fn no_manager(client: &Client, first: Url) -> Result<(), Failure> {
    let mut pager = Pager::new(Step::Lists, first);
    while let Some(page) = pager.next(client).await {
        let page = match page {
            // Where nobody knows of network managers, there are none. Whether the scope is there, other lists tell.
            Err(failure) if failure.status == Some(404) => return Ok(()),
            other => other?,
        };
        if let Some(manager) = page.rows.into_iter().map(Row::new).next() {
            let detail = format!("Resource Graph alone shows the security admin rules of `{}`", manager.id);
            return Err(Failure::new(Reason::Missing, detail));
        }
    }
    Ok(())
}

/// Lists what stands under one resource: the rule collection groups of a firewall policy.
pub(super) async fn list_under(client: Arc<Client>, kind: &'static Kind, parent: String, input: usize, events: Events) {
    let version = format!("api-version={}", kinds::api_version(kind.name));
    let url = client.endpoint().url(&format!("{parent}/{}", kind.path), &version);
    if let Err(failure) = follow(&client, url, kind, Rows::Whole, input, &events).await {
        let _ = events.send(Event::Gap(failure.gap(parent, kind.name))).await;
    }
}

async fn follow(
    client: &Arc<Client>,
    first: Url,
    kind: &'static Kind,
    kept: Rows,
    input: usize,
    events: &Events,
) -> Result<(), Failure> {
    let step = if kind.name == kinds::JUST_IN_TIME.name { Step::JustInTime } else { Step::Lists };
    let mut pager = Pager::new(step, first);
    while let Some(page) = pager.next(client).await {
        let mut rows: Vec<Row> = page?.rows.into_iter().map(Row::new).collect();
        if kept != Rows::Whole {
            let listed = std::mem::take(&mut rows).into_iter().filter(|row| row.ty == kind.name);
            let jobs = listed.map(|listed| {
                let client = Arc::clone(client);
                async move { (get(&client, Step::Lists, &listed.id, kind.name).await, listed) }
            });
            for (answer, listed) in all(jobs.collect()).await {
                let failure = match answer {
                    Ok(row) => {
                        rows.push(Row { fresh: true, ..row });
                        continue;
                    }
                    Err(failure) => failure,
                };
                let what = if kept == Rows::Machines { INSTANCE_VIEW } else { kind.name };
                let _ = events.send(Event::Gap(failure.gap(&listed.id, what))).await;
                if kept == Rows::Machines {
                    rows.push(listed);
                }
            }
        }
        let _ = events.send(Event::Rows { rows, input }).await;
    }
    Ok(())
}
