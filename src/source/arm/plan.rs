//! The plan of calls, from the first to the last.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::client::{Client, Step};
use super::error::LiveError;
use super::failure::Failure;
use super::gateways::{self, Questions};
use super::graph::{self, Asked};
use super::intake::{Event, Events, Intake};
use super::kinds::{self, Kind, Listing, Query};
use super::lists::{self, Pager};
use super::row::Row;
use super::subscriptions::{self, Scope};
use super::{LiveOptions, LiveReport, outside};
use crate::source::Sink;

/// Pages that wait to be taken, before requests wait for the sink.
const AHEAD: usize = 8;

/// Follows the plan and reports what was asked.
pub(super) async fn run(
    client: Arc<Client>,
    options: &LiveOptions,
    sink: &mut dyn Sink,
) -> Result<LiveReport, LiveError> {
    client.sign_in().await.map_err(|error| LiveError::Credential { said: error.to_string() })?;
    let scopes = subscriptions::resolve(&client, options, sink).await?;
    let queries = kinds::QUERIES.iter().chain(kinds::further(&options.types)).collect();
    let mut plan = Plan { client: &client, options, queries, scopes: &scopes, intake: Intake::new(sink, &scopes) };
    let refused = plan.resource_graph().await;
    let mut no_rules: BTreeSet<usize> = refused.iter().flat_map(|(asked, _)| outside::without_rules(asked)).collect();
    plan.lists(refused).await;
    no_rules.extend(plan.probe().await?);
    plan.just_in_time().await;
    plan.gateways().await;
    outside::read(&client, &mut plan.intake).await;
    plan.rules(&no_rules).await;
    plan.intake.finish();
    Ok(LiveReport {
        subscriptions: scopes.iter().map(|scope| scope.subscription.clone()).collect(),
        cloud: client.endpoint().cloud().name().to_owned(),
        requests: client.counts(),
    })
}

struct Plan<'a> {
    client: &'a Arc<Client>,
    options: &'a LiveOptions,
    queries: Vec<&'static Query>,
    scopes: &'a [Scope],
    intake: Intake<'a>,
}

impl Plan<'_> {
    /// The estate, by Resource Graph. Returns the queries that it refused.
    async fn resource_graph(&mut self) -> Vec<(Asked, Failure)> {
        let scopes: Vec<(usize, Scope)> = self.scopes.iter().cloned().enumerate().collect();
        let scopes: Vec<(usize, Scope)> = scopes.into_iter().filter(|(_, scope)| !scope.is_lost()).collect();
        let mut queries = Vec::new();
        for query in self.queries.iter().copied() {
            for batch in scopes.chunks(graph::BATCH) {
                let group = self.options.resource_group.clone();
                queries.push(Asked { query, scopes: batch.to_vec(), group });
            }
        }
        let client = Arc::clone(self.client);
        self.stream(queries, move |asked, events| graph::read(Arc::clone(&client), asked, events)).await
    }

    /// A list of each type in each scope, for the queries that Resource Graph refused.
    async fn lists(&mut self, refused: Vec<(Asked, Failure)>) {
        let mut wanted = Vec::new();
        for (asked, failure) in refused {
            tracing::info!(table = asked.query.table, reason = %failure, "Resource Graph refused, reading lists");
            for (input, scope) in asked.scopes {
                for kind in asked.query.kinds {
                    match kind.listing {
                        Listing::Under(_) => {}
                        _ => wanted.push((kind, input, scope.clone())),
                    }
                }
            }
        }
        self.read_lists(wanted).await;
    }

    async fn read_lists(&mut self, wanted: Vec<(&'static Kind, usize, Scope)>) {
        let client = Arc::clone(self.client);
        let job = move |(kind, input, scope), events| lists::list(Arc::clone(&client), kind, scope, input, events);
        self.stream(wanted, job).await;
    }

    /// Looks again where nothing was found, since Resource Graph says nothing at all of what the identity may not
    /// read. Returns the scopes that it kept silent about though there is something.
    async fn probe(&mut self) -> Result<BTreeSet<usize>, LiveError> {
        let (mut silent, mut absent_groups) = (BTreeSet::new(), 0);
        for (input, scope) in self.scopes.iter().enumerate() {
            let empty = self.intake.rows[input] == 0;
            if let Some(denied) = &scope.denied
                && (empty || scope.is_refused())
            {
                self.intake.gap(denied.gap(scope.subscription_path(), "subscription"));
            } else if empty {
                match self.something_there(scope).await {
                    Ok(true) => drop(silent.insert(input)),
                    Ok(false) => {}
                    Err(failure) if is_group(&failure) => absent_groups += 1,
                    Err(failure) => self.intake.gap(failure.gap(&scope.path, "subscription")),
                }
            }
        }
        if let Some(group) = self.options.resource_group.as_ref().filter(|_| absent_groups == self.scopes.len()) {
            return Err(LiveError::UnknownResourceGroup(group.clone()));
        }
        let mut wanted = Vec::new();
        for query in self.queries.iter().copied() {
            for input in &silent {
                for kind in query.kinds {
                    let scope = &self.scopes[*input];
                    match kind.listing {
                        Listing::Under(_) => {}
                        _ => wanted.push((kind, *input, scope.clone())),
                    }
                }
            }
        }
        self.read_lists(wanted).await;
        Ok(silent)
    }

    /// Whether the scope holds a resource of a type that is read, by the list of resources of all types.
    async fn something_there(&self, scope: &Scope) -> Result<bool, Failure> {
        let version = format!("api-version={}", kinds::RESOURCES);
        let url = self.client.endpoint().url(&format!("{}/resources", scope.path), &version);
        let mut pager = Pager::new(Step::Lists, url);
        while let Some(page) = pager.next(self.client).await {
            let mut kinds = page?.rows.into_iter().map(|row| Row::new(row).ty);
            if kinds.any(|ty| self.queries.iter().flat_map(|query| query.kinds).any(|kind| kind.name == ty)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The policies of just-in-time access, where there are machines that they could keep closed.
    async fn just_in_time(&mut self) {
        let scopes = std::mem::take(&mut self.intake.machines);
        let wanted = scopes.into_iter().map(|input| (kinds::JUST_IN_TIME, input, self.scopes[input].clone()));
        self.read_lists(wanted.collect()).await;
    }

    async fn gateways(&mut self) {
        let questions = Questions::new(self.options);
        let gateways = std::mem::take(&mut self.intake.gateways);
        let jobs = gateways
            .into_iter()
            .map(|(row, input)| gateways::ask(Arc::clone(self.client), questions.clone(), row, input));
        for answers in all(jobs.collect()).await {
            gateways::take(answers, &mut self.intake);
        }
    }

    /// The rules of firewall policies, where Resource Graph did not give them.
    async fn rules(&mut self, scopes: &BTreeSet<usize>) {
        let Some(kind) = kinds::find("microsoft.network/firewallpolicies/rulecollectiongroups") else { return };
        let policies = std::mem::take(&mut self.intake.policies);
        let audited = |id: &str| {
            let subscription = super::row::subscription_of(id);
            self.scopes.iter().any(|scope| scope.subscription == subscription)
        };
        let wanted = policies.into_iter().filter(|(id, input)| scopes.contains(input) || !audited(id)).collect();
        let client = Arc::clone(self.client);
        let job = move |(policy, input), events| lists::list_under(Arc::clone(&client), kind, policy, input, events);
        self.stream(wanted, job).await;
    }

    /// Runs the jobs side by side and takes what they report as it comes.
    async fn stream<T, F>(&mut self, inputs: Vec<T>, job: impl Fn(T, Events) -> F) -> Vec<(Asked, Failure)>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (events, mut reports) = mpsc::channel(AHEAD);
        let mut running = JoinSet::new();
        for input in inputs {
            running.spawn(job(input, events.clone()));
        }
        drop(events);
        let mut refused = Vec::new();
        while let Some(event) = reports.recv().await {
            match event {
                Event::Rows { rows, input } => self.intake.take(rows, input),
                Event::More { rows, input } => self.intake.take_more(&rows, input),
                Event::Gap(gap) => self.intake.gap(gap),
                Event::Refused { asked, failure } => refused.push((asked, failure)),
            }
        }
        join(&mut running).await;
        refused
    }
}

fn is_group(failure: &Failure) -> bool {
    failure.code.as_deref().is_some_and(|code| code.eq_ignore_ascii_case("ResourceGroupNotFound"))
}

/// Runs the jobs side by side; their results come in the order of the jobs.
pub(super) async fn all<T, F>(jobs: Vec<F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut running = JoinSet::new();
    for (i, job) in jobs.into_iter().enumerate() {
        running.spawn(async move { (i, job.await) });
    }
    let mut results = join(&mut running).await;
    results.sort_by_key(|(i, _)| *i);
    results.into_iter().map(|(_, result)| result).collect()
}

async fn join<T: 'static>(running: &mut JoinSet<T>) -> Vec<T> {
    let mut results = Vec::new();
    while let Some(result) = running.join_next().await {
        match result {
            Ok(result) => results.push(result),
            Err(error) => {
                if let Ok(panic) = error.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }
    results
}
