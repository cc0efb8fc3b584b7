//! Between the requests, which run side by side, and the sink, which takes one thing at a time.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use tokio::sync::mpsc;

use super::failure::Failure;
use super::graph::Asked;
use super::kinds;
use super::row::{Row, readable, subscription_of};
use super::subscriptions::Scope;
use crate::source::{Batch, Gap, Input, Item, Kind, Sink};

/// What a request reports.
pub(super) enum Event {
    /// Resources; `input` is where those belong that lie in no audited subscription.
    Rows { rows: Vec<Row>, input: usize },
    /// What another list adds to resources that were read before.
    More { rows: Vec<Row>, input: usize },
    /// Something that could not be read.
    Gap(Gap),
    /// Resource Graph refused a query, from some page on.
    Refused { asked: Asked, failure: Failure },
}

pub(super) type Events = mpsc::Sender<Event>;

/// A resource that something refers to and that was not read yet.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Its id as it was spelt.
    pub(super) id: String,
    pub(super) ty: &'static str,
    /// Of a network: which of its subnets are referred to, in lower case.
    pub(super) subnets: BTreeSet<String>,
    pub(super) input: usize,
}

/// Hands resources to the sink, each once, and remembers what the plan needs of them.
pub(super) struct Intake<'a> {
    sink: &'a mut dyn Sink,
    scopes: &'a [Scope],
    /// Hashes of the ids that were read: a tenant's ids themselves would take more memory than all else.
    seen: HashSet<u128>,
    /// How many resources each scope gave.
    pub(super) rows: Vec<u64>,
    /// By id in lower case.
    pub(super) wanted: BTreeMap<String, Wanted>,
    /// Gateways that serve clients, held back until their own GET.
    pub(super) gateways: Vec<(Row, usize)>,
    /// Firewall policies, whose rules are resources of their own.
    pub(super) policies: Vec<(String, usize)>,
    /// Scopes in which a machine, or an interface of one, was read.
    pub(super) machines: BTreeSet<usize>,
}

impl<'a> Intake<'a> {
    pub(super) fn new(sink: &'a mut dyn Sink, scopes: &'a [Scope]) -> Self {
        Self {
            sink,
            scopes,
            seen: HashSet::new(),
            rows: vec![0; scopes.len()],
            wanted: BTreeMap::new(),
            gateways: Vec::new(),
            policies: Vec::new(),
            machines: BTreeSet::new(),
        }
    }

    pub(super) fn gap(&mut self, gap: Gap) {
        self.sink.gap(gap);
    }

    /// Whether the resource of that id (lower case) was read.
    pub(super) fn has(&self, key: &str) -> bool {
        self.seen.contains(&digest(key))
    }

    /// Takes what was read in the scope: each resource once, gateways held back.
    pub(super) fn take(&mut self, rows: Vec<Row>, home: usize) {
        let mut ready: BTreeMap<usize, Vec<Row>> = BTreeMap::new();
        for row in rows {
            let key = row.key();
            if !key.is_empty() && !self.seen.insert(digest(&key)) {
                continue;
            }
            let input = self.input_of(&key, home);
            self.rows[input] += 1;
            for target in &row.refers {
                self.want(target, input);
            }
            if row.ty == kinds::FIREWALL_POLICY {
                self.policies.push((row.id.clone(), input));
            }
            if matches!(row.ty.as_str(), kinds::VIRTUAL_MACHINE | kinds::INTERFACE) {
                self.machines.insert(input);
            }
            if row.serves_clients() {
                self.gateways.push((row, input));
            } else {
                ready.entry(input).or_default().push(row);
            }
        }
        for (input, rows) in ready {
            self.hand_over(input, Kind::Resource, rows.iter().map(|row| row.text.as_str()), None);
        }
    }

    /// Takes what another list adds to resources that were read before. What it says of others is no resource.
    pub(super) fn take_more(&mut self, rows: &[Row], home: usize) {
        for row in rows {
            let key = row.key();
            if !self.has(&key) {
                continue;
            }
            let input = self.input_of(&key, home);
            self.hand_over(input, Kind::Resource, std::iter::once(row.text.as_str()), None);
        }
    }

    /// Takes a resource from outside the scope. Its references are followed only as far as the caller wants.
    pub(super) fn take_outside(&mut self, row: &Row, input: usize) {
        if self.seen.insert(digest(&row.key())) {
            self.rows[input] += 1;
            self.hand_over(input, Kind::Resource, std::iter::once(row.text.as_str()), None);
        }
    }

    /// Hands texts to the sink, one under the other.
    pub(super) fn hand_over<'t>(
        &mut self,
        input: usize,
        kind: Kind,
        texts: impl Iterator<Item = &'t str>,
        about: Option<&str>,
    ) {
        let mut batch = Batch { input: u32::try_from(input).unwrap_or(u32::MAX), ..Batch::default() };
        let mut line = 1;
        for text in texts {
            let start = batch.text.len();
            batch.text.push_str(text);
            let span = start..batch.text.len();
            batch.items.push(Item { kind, span, line, column: 1, about: about.map(Into::into) });
            batch.text.push('\n');
            line += 1 + text.bytes().filter(|byte| *byte == b'\n').count() as u64;
        }
        if !batch.items.is_empty() {
            self.sink.batch(batch);
        }
    }

    /// Remembers that something refers to that id, unless it was read.
    pub(super) fn want(&mut self, target: &str, input: usize) {
        let Some((id, kind)) = readable(target) else { return };
        let key = id.to_lowercase();
        if self.has(&key) {
            return;
        }
        let wanted = self.wanted.entry(key).or_insert_with(|| Wanted {
            id: id.to_owned(),
            ty: kind.name,
            subnets: BTreeSet::new(),
            input,
        });
        if id.len() < target.trim().len() {
            wanted.subnets.insert(target.trim().to_lowercase());
        }
    }

    /// Tells the sink of each scope, once everything was handed over.
    pub(super) fn finish(self) {
        for (scope, resources) in self.scopes.iter().zip(self.rows) {
            self.sink.input(Input { path: scope.path.clone(), shape: "live".into(), resources });
        }
    }

    fn input_of(&self, key: &str, home: usize) -> usize {
        let subscription = subscription_of(key);
        let position = self.scopes.binary_search_by(|scope| scope.subscription.as_str().cmp(subscription.as_str()));
        position.unwrap_or(home)
    }
}

fn digest(key: &str) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, key).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}
