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
    let url = client.endpoint().url(id, &format!("api-version={}", kinds::api_version(ty)));
    let row = |text: &str| {
        let row = Row::new(text.to_owned());
        let json = serde_json::from_str::<&serde_json::value::RawValue>(text).map_err(|error| error.to_string());
        json.and_then(|_| if row.id.is_empty() { Err("it is no resource".to_owned()) } else { Ok(row) })
    };
    client.read(Call::get(step, url), row).await
}

/// Lists one type in one scope.
pub(super) async fn list(client: Arc<Client>, kind: &'static Kind, scope: Scope, input: usize, events: Events) {
    let by_id = kind.listing == Listing::Group && scope.path == scope.subscription_path();
    let url = if by_id {
        let filter = format!("$filter=resourceType eq '{}'&api-version={}", kind.path, kinds::RESOURCES);
        client.endpoint().url(&format!("{}/resources", scope.path), &filter)
    } else {
        let version = format!("api-version={}", kinds::api_version(kind.name));
        client.endpoint().url(&format!("{}/providers/{}", scope.path, kind.path), &version)
    };
    let result = match kind.listing {
        Listing::ByManager => no_manager(&client, url).await,
        _ => follow(&client, url, kind, by_id, input, &events).await,
    };
    if let Err(failure) = result
        && !failure.means_none()
    {
        let _ = events.send(Event::Gap(failure.gap(&scope.path, kind.name))).await;
    }
}

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
    if let Err(failure) = follow(&client, url, kind, false, input, &events).await {
        let _ = events.send(Event::Gap(failure.gap(parent, kind.name))).await;
    }
}

async fn follow(
    client: &Arc<Client>,
    first: Url,
    kind: &'static Kind,
    by_id: bool,
    input: usize,
    events: &Events,
) -> Result<(), Failure> {
    let mut pager = Pager::new(Step::Lists, first);
    while let Some(page) = pager.next(client).await {
        let mut rows: Vec<Row> = page?.rows.into_iter().map(Row::new).collect();
        if by_id {
            let listed = std::mem::take(&mut rows).into_iter().filter(|row| row.ty == kind.name);
            let jobs = listed.map(|listed| {
                let client = Arc::clone(client);
                async move { (get(&client, Step::Lists, &listed.id, kind.name).await, listed.id) }
            });
            for (answer, id) in all(jobs.collect()).await {
                match answer {
                    Ok(row) => rows.push(Row { fresh: true, ..row }),
                    Err(failure) => {
                        let _ = events.send(Event::Gap(failure.gap(id, kind.name))).await;
                    }
                }
            }
        }
        let _ = events.send(Event::Rows { rows, input }).await;
    }
    Ok(())
}
