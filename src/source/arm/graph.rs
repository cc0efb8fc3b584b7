//! Azure Resource Graph: the estate in pages of a thousand rows.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::client::{Call, Client, Step};
use super::failure::Failure;
use super::intake::{Event, Events};
use super::kinds::{self, Query};
use super::page::{EMPTY_PAGES, Page};
use super::row::Row;
use super::subscriptions::Scope;
use crate::source::Reason;

/// How many subscriptions one query may name.
pub(super) const BATCH: usize = 300;
/// Rows a page; Azure gives no more.
const TOP: u32 = 1000;

/// What one query is asked about.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) query: &'static Query,
    /// With the position of each among all scopes.
    pub(super) scopes: Vec<(usize, Scope)>,
    pub(super) group: Option<String>,
}

impl Asked {
    /// The query's text.
    fn kql(&self) -> String {
        let types: Vec<String> = self.query.kinds.iter().map(|kind| quoted(kind.name)).collect();
        let mut text = format!("{} | where type in~ ({})", self.query.table, types.join(","));
        if let Some(group) = self.group.as_deref().filter(|_| self.query.by_group) {
            text.push_str(&format!(" | where resourceGroup =~ {}", quoted(group)));
        }
        let columns = match self.query.table {
            "resources" => {
                "id,name,type,kind,location,resourceGroup,subscriptionId,managedBy,sku,plan,tags,identity,zones,\
                 extendedLocation,properties"
            }
            _ => "id,name,type,properties",
        };
        // Paging needs the id, and an order that does not change from page to page.
        text.push_str(&format!(" | project {columns} | order by id asc"));
        text
    }
}

/// A string of the Kusto language.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Reads all pages of one query. What was read before a failure is kept.
pub(super) async fn read(client: Arc<Client>, asked: Asked, events: Events) {
    let mut answered = false;
    match pages(&client, &asked, &events, &mut answered).await {
        Ok(()) => {}
        // Whatever keeps Resource Graph from answering leaves the lists. A later page that never comes is a gap: most
        // of it is there, and what made one page hang would make lists hang.
        Err(failure) if !answered || failure.status.is_some() || failure.reason == Reason::Damaged => {
            let _ = events.send(Event::Refused { asked, failure }).await;
        }
        Err(failure) => gaps(&asked, &failure, &events).await,
    }
}

async fn gaps(asked: &Asked, failure: &Failure, events: &Events) {
    for (_, scope) in &asked.scopes {
        for kind in asked.query.kinds {
            let _ = events.send(Event::Gap(failure.gap(&scope.path, kind.name))).await;
        }
    }
}

async fn pages(client: &Client, asked: &Asked, events: &Events, answered: &mut bool) -> Result<(), Failure> {
    let subscriptions: Vec<&str> = asked.scopes.iter().map(|(_, scope)| scope.subscription.as_str()).collect();
    let home = asked.scopes.first().map_or(0, |(input, _)| *input);
    let mut pages = Pages::new(Step::ResourceGraph, json!({"subscriptions": subscriptions, "query": asked.kql()}));
    while let Some(rows) = pages.next(client).await {
        let rows = rows?.into_iter().map(Row::new).collect();
        *answered = true;
        let _ = events.send(Event::Rows { rows, input: home }).await;
    }
    Ok(())
}

/// The answer to one query, page by page.
struct Pages {
    step: Step,
    /// Scope and query.
    body: Value,
    /// The token of the next page, if any; `None`: there is no further page.
    next: Option<Result<Option<String>, Failure>>,
    visited: HashSet<String>,
    received: u64,
    /// Empty pages in a row.
    empty: u32,
}

impl Pages {
    fn new(step: Step, body: Value) -> Self {
        Self { step, body, next: Some(Ok(None)), visited: HashSet::new(), received: 0, empty: 0 }
    }

    /// The rows of the next page; `None` after the last one, and after a failure.
    async fn next(&mut self, client: &Client) -> Option<Result<Vec<String>, Failure>> {
        let token = match self.next.take()? {
            Ok(token) => token,
            Err(failure) => return Some(Err(failure)),
        };
        self.body["options"] = json!({"resultFormat": "objectArray", "$top": TOP});
        if let Some(token) = token {
            self.body["options"]["$skipToken"] = json!(token);
        }
        let version = format!("api-version={}", kinds::RESOURCE_GRAPH);
        let url = client.endpoint().url("/providers/Microsoft.ResourceGraph/resources", &version);
        let page = match client.read(Call::post(self.step, url, Some(self.body.to_string())), Page::graph).await {
            Ok(page) => page,
            Err(failure) => return Some(Err(failure)),
        };
        self.received += page.rows.len() as u64;
        self.empty = if page.rows.is_empty() { self.empty + 1 } else { 0 };
        self.next = match page.next {
            Some(next) if !self.visited.insert(next.clone()) || self.empty > EMPTY_PAGES => {
                let detail = "Resource Graph hands out the same page again and again";
                Some(Err(Failure::new(Reason::Damaged, detail)))
            }
            Some(next) => Some(Ok(Some(next))),
            // `resultTruncated` says "false" beside a skip token, too: only "true" proves something.
            None => match page.total.filter(|total| *total > self.received) {
                Some(total) => {
                    Some(format!("Resource Graph counts {total} resources, and handed over {}", self.received))
                }
                None => page.truncated.then(|| "Resource Graph says that it cut its answer short".to_owned()),
            }
            .map(|detail| Err(Failure::new(Reason::Truncated, detail))),
        };
        Some(Ok(page.rows))
    }
}

/// The subscriptions below a management group: all rows that came, and what kept the others from coming.
pub(super) async fn subscriptions_below(client: &Client, group: &str) -> (Vec<String>, Option<Failure>) {
    let query = "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' \
                 | project id,subscriptionId,displayName=name | order by id asc";
    let mut pages = Pages::new(Step::Subscriptions, json!({"managementGroups": [group], "query": query}));
    let mut all = Vec::new();
    while let Some(rows) = pages.next(client).await {
        match rows {
            Ok(rows) => all.extend(rows),
            Err(failure) => return (all, Some(failure)),
        }
    }
    (all, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kql(query: &'static Query, group: Option<&str>) -> String {
        Asked { query, scopes: Vec::new(), group: group.map(str::to_owned) }.kql()
    }

    #[test]
    fn a_query_names_its_types_and_orders_by_id() {
        assert_eq!(
            kql(&kinds::QUERIES[0], None),
            "resources | where type in~ ('microsoft.network/virtualnetworks','microsoft.network/routetables',\
             'microsoft.network/networksecuritygroups','microsoft.network/applicationsecuritygroups') \
             | project id,name,type,kind,location,resourceGroup,subscriptionId,managedBy,sku,plan,tags,identity,zones,\
             extendedLocation,properties | order by id asc"
        );
    }

    #[test]
    fn a_resource_group_narrows_it_and_cannot_break_out() {
        assert!(kql(&kinds::QUERIES[0], Some("rg'1")).contains(r" | where resourceGroup =~ 'rg\'1' | project"));
        assert!(!kql(&kinds::QUERIES[3], Some("rg")).contains("resourceGroup"));
    }
}
