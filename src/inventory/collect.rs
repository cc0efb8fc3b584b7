//! From raw items to the [`Inventory`]: typed on all cores while the source still reads, then merged in an order
//! that does not depend on the threads.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::arm::{Child, Merge, MergeItem, Named, Resource, Sku};
use super::classic::is_classic;
use super::gateway::{Metric, SessionAnswer};
use super::whole::{self, WholeResource, WholeTypes};
use super::{Inventory, ResourceId, Rows, Table, lenient, typed};
use crate::source::template::UNKNOWN;
use crate::source::{Batch, Gap, Input, Item, Kind, Reason, Sink};

/// Runs a source and types what it yields. The source's own result comes back beside the inventory.
pub fn collect<R>(read: impl FnOnce(&mut dyn Sink) -> R) -> (R, Inventory) {
    collect_whole(&WholeTypes::default(), read)
}

/// As [`collect`]; resources of these types are also kept as their JSON.
pub fn collect_whole<R>(whole: &WholeTypes, read: impl FnOnce(&mut dyn Sink) -> R) -> (R, Inventory) {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let (sender, receiver) = sync_channel::<Work>(threads * 2);
    let receiver = Arc::new(Mutex::new(receiver));
    let (result, intake, parts) = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let receiver = Arc::clone(&receiver);
                scope.spawn(move || type_batches(&receiver, whole))
            })
            .collect();
        let mut intake = Intake {
            sender,
            sequence: 0,
            inputs: Vec::new(),
            origins: HashMap::new(),
            gaps: Vec::new(),
            notes: Vec::new(),
        };
        let result = read(&mut intake);
        let Intake { sender, inputs, origins, gaps, notes, .. } = intake;
        drop(sender);
        let parts: Vec<Part> =
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|e| std::panic::resume_unwind(e))).collect();
        (result, (inputs, origins, gaps, notes), parts)
    });
    let (inputs, origins, gaps, notes) = intake;
    let mut all = Part::default();
    for mut part in parts {
        all.rows.append(&mut part.rows);
        all.whole.append(&mut part.whole);
        all.sessions.append(&mut part.sessions);
        all.metrics.append(&mut part.metrics);
        all.ids.append(&mut part.ids);
        all.gaps.append(&mut part.gaps);
    }
    (result, finish(all, inputs, &origins, gaps, notes))
}

struct Work {
    sequence: u64,
    batch: Batch,
}

/// The source's side of the channel.
struct Intake {
    sender: SyncSender<Work>,
    sequence: u64,
    inputs: Vec<Input>,
    /// Paths of what was read from snapshots, by number.
    origins: HashMap<u32, String>,
    gaps: Vec<Gap>,
    notes: Vec<String>,
}

impl Sink for Intake {
    fn batch(&mut self, batch: Batch) {
        let sequence = self.sequence;
        self.sequence += batch.items.len() as u64;
        // A worker that panicked has closed its end; joining it reports why.
        let _ = self.sender.send(Work { sequence, batch });
    }

    fn gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
    }

    fn input(&mut self, input: Input) {
        self.inputs.push(input);
    }

    fn origin(&mut self, number: u32, path: String) {
        self.origins.insert(number, path);
    }

    fn note(&mut self, note: String) {
        self.notes.push(note);
    }
}

/// What one thread has typed.
#[derive(Default)]
struct Part {
    rows: Rows,
    whole: Vec<(u64, WholeResource)>,
    sessions: Vec<(u64, Option<ResourceId>, u32, SessionAnswer)>,
    metrics: Vec<(u64, u32, Metric)>,
    /// Hashes of the ids of all resources, to count each once.
    ids: Vec<u64>,
    /// With the input's number, since its path is known only at the end.
    gaps: Vec<(u32, Lack, Gap)>,
}

/// What a gap is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    /// Something that was lost.
    Lost,
    /// A resource of which this place tells only that it exists: another place may tell the rest.
    Listed,
}

fn type_batches(receiver: &Mutex<Receiver<Work>>, whole: &WholeTypes) -> Part {
    let mut part = Part::default();
    loop {
        let work = receiver.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recv();
        let Ok(Work { sequence, batch }) = work else { return part };
        for (i, item) in batch.items.iter().enumerate() {
            let text = &batch.text[item.span.clone()];
            if let Err(problem) = part.take(sequence + i as u64, batch.input, item, text, whole) {
                part.gaps.push((batch.input, problem.lack, problem.at(item, text)));
            }
        }
    }
}

impl Part {
    fn take(&mut self, order: u64, input: u32, item: &Item, text: &str, whole: &WholeTypes) -> Result<(), Problem> {
        match item.kind {
            Kind::Resource => return self.take_resource(order, text, whole),
            Kind::Sessions => {
                let answer = lenient::from_str(text).map_err(|e| Problem::json(text, text, e, "sessions"))?;
                self.sessions.push((order, item.about.as_deref().map(ResourceId::new), input, answer));
            }
            Kind::Metric => {
                let metric = lenient::from_str(text).map_err(|e| Problem::json(text, text, e, "metrics"))?;
                self.metrics.push((order, input, metric));
            }
        }
        Ok(())
    }

    fn take_resource(&mut self, order: u64, text: &str, whole: &WholeTypes) -> Result<(), Problem> {
        let head: Head<'_> = lenient::from_str(text).map_err(|e| Problem::json(text, text, e, "resource"))?;
        let head = Parsed::new(text, head)?;
        let mut hasher = DefaultHasher::new();
        head.id.hash(&mut hasher);
        self.ids.push(hasher.finish());
        head.check_type()?;
        if whole.concern(&head.ty) {
            if text.contains(UNKNOWN) {
                let detail = "an expression of the template cannot be evaluated, so no policy can judge it".to_owned();
                return Err(Problem::new(&head.ty, Reason::Missing, detail).of(&head.id));
            }
            let members =
                serde_json::from_str(text).map_err(|e| Problem::json(text, text, e, &head.ty).of(&head.id))?;
            whole.take(&head.id, &head.ty, members, |resource| self.whole.push((order, resource)));
        }
        let Some(typed) = typed(&head.ty) else { return Ok(()) };
        (typed.read)(order, &head, &mut self.rows)
    }
}

/// The outermost members of a resource. All else stays text, and is skipped where the type is not known.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    ty: Option<Cow<'a, str>>,
    #[serde(borrow)]
    location: Option<Cow<'a, str>>,
    #[serde(borrow)]
    sku: Option<&'a RawValue>,
    #[serde(borrow)]
    zones: Option<&'a RawValue>,
    #[serde(borrow)]
    properties: Option<&'a RawValue>,
}

/// A resource whose id and type are known.
pub(crate) struct Parsed<'a> {
    text: &'a str,
    id: ResourceId,
    /// Lower case.
    ty: String,
    location: Option<Cow<'a, str>>,
    sku: Option<&'a RawValue>,
    zones: Option<&'a RawValue>,
    properties: Option<&'a RawValue>,
}

/// How resources of one type are read.
#[derive(Clone, Copy)]
pub(crate) struct Typed {
    pub(crate) read: fn(u64, &Parsed<'_>, &mut Rows) -> Result<(), Problem>,
}

impl<'a> Parsed<'a> {
    fn new(text: &'a str, head: Head<'a>) -> Result<Self, Problem> {
        let Head { id, ty, location, sku, zones, properties } = head;
        let ty = ty.filter(|ty| !ty.trim().is_empty()).map(|ty| ty.trim().to_lowercase());
        let Some(id) = id.filter(|id| !id.trim().is_empty()) else {
            let detail = match &ty {
                Some(ty) => format!("a resource without an `id` (its type is `{ty}`)"),
                None => "a resource without an `id`".to_owned(),
            };
            return Err(Problem::new(ty.as_deref().unwrap_or("resource"), Reason::Damaged, detail));
        };
        let id = ResourceId::new(&id);
        let Some(ty) = ty.or_else(|| id.resource_type()) else {
            let detail = format!("`{id}` has no `type`, and its id names none");
            return Err(Problem::new("resource", Reason::Damaged, detail));
        };
        Ok(Self { text, id, ty, location, sku, zones, properties })
    }

    /// A resource of a known type has an id that says so too.
    fn check_type(&self) -> Result<(), Problem> {
        if self.id.is_of_type(&self.ty) {
            return Ok(());
        }
        let by_id = self.id.resource_type().filter(|_| !self.id.has_empty_segment());
        let known = typed(&self.ty).is_some();
        let detail = match by_id {
            None if known => format!("`{}` is no resource id", self.id),
            Some(by_id) if !same_type(&by_id, &self.ty) && (known || typed(&by_id).is_some()) => {
                format!("its `type` is `{}`, but its id is one of `{by_id}`", self.ty)
            }
            _ => return Ok(()),
        };
        Err(Problem::new(&self.ty, Reason::Damaged, detail).of(&self.id))
    }

    /// The resource, typed, and what was left out of it.
    pub(crate) fn read<P: Deserialize<'a> + Default>(&self) -> Result<(Resource<P>, Option<Problem>), Problem> {
        let properties = self.properties.filter(|raw| raw.get() != "null");
        if properties.is_none() && !is_classic(&self.ty) {
            let detail = "it has no `properties`, so nothing can be said of it; it was only listed, or a query \
                          picked its members: `az resource show --ids …` and `az rest` print them all";
            let problem = Problem::new(&self.ty, Reason::Missing, detail.into()).of(&self.id);
            return Err(Problem { lack: Lack::Listed, ..problem });
        }
        let (properties, nulls) = self.member(properties)?;
        let problem = match nulls {
            0 => None,
            _ => {
                let detail = format!("{nulls} null(s) where an object or a text belongs, in lists, were left out");
                Some(Problem::new(&self.ty, Reason::Damaged, detail).of(&self.id))
            }
        };
        // What a lost rule or route would have said may be the opposite of what the others say.
        let problem = match problem {
            Some(problem) if RULES.contains(&self.ty.as_str()) => return Err(problem),
            other => other,
        };
        let resource = Resource {
            name: self.id.name().into(),
            location: self.location.as_deref().map(Into::into),
            sku: self.member::<Option<Sku>>(self.beside(self.sku))?.0.flatten(),
            zones: self.member::<Vec<Box<str>>>(self.beside(self.zones))?.0.unwrap_or_default(),
            properties: properties.unwrap_or_default(),
            id: self.id.clone(),
        };
        Ok((resource, problem))
    }

    /// What stands beside the properties. Of machines nothing of it is judged, so it may stay untold by a template.
    fn beside(&self, raw: Option<&'a RawValue>) -> Option<&'a RawValue> {
        raw.filter(|raw| !(self.ty.starts_with("microsoft.compute/") && raw.get().contains(UNKNOWN)))
    }

    fn member<T: Deserialize<'a>>(&self, raw: Option<&'a RawValue>) -> Result<(Option<T>, usize), Problem> {
        let Some(raw) = raw else { return Ok((None, 0)) };
        let read = lenient::from_str_counting_nulls(raw.get());
        let (value, nulls) = read.map_err(|e| Problem::json(self.text, raw.get(), e, &self.ty).of(&self.id))?;
        Ok((Some(value), nulls))
    }
}

/// Whether both name one type. Interfaces and addresses of scale sets have a type of their own by their id alone.
fn same_type(a: &str, b: &str) -> bool {
    a == b || (typed(a).is_some() && typed(b).is_some() && a.rsplit('/').next() == b.rsplit('/').next())
}

/// Types that are one list of rules or routes, each of which counts.
const RULES: [&str; 2] = ["microsoft.network/networksecuritygroups", "microsoft.network/routetables"];

/// Why an item could not be typed.
pub(crate) struct Problem {
    scope: Option<ResourceId>,
    what: String,
    reason: Reason,
    lack: Lack,
    detail: String,
    /// The byte of the item's text at which it went wrong.
    offset: usize,
}

impl Problem {
    fn new(what: &str, reason: Reason, detail: String) -> Self {
        Self { scope: None, what: what.into(), reason, lack: Lack::Lost, detail, offset: 0 }
    }

    /// A fault in `part`, which is a piece of `text`.
    fn json(text: &str, part: &str, error: serde_json::Error, what: &str) -> Self {
        let start = part.as_ptr() as usize - text.as_ptr() as usize;
        let line_start: usize = part.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let offset = start + line_start + error.column().saturating_sub(1);
        let message = error.to_string();
        let detail = message.split(" at line ").next().unwrap_or(&message).to_owned();
        let untold = detail.starts_with(lenient::UNEVALUATED);
        let reason = if untold { Reason::Missing } else { Reason::Damaged };
        Self { offset: offset.min(text.len()), ..Self::new(what, reason, detail) }
    }

    fn of(mut self, id: &ResourceId) -> Self {
        self.scope = Some(id.clone());
        self
    }

    fn at(self, item: &Item, text: &str) -> Gap {
        let mut offset = self.offset;
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let line = item.line + before.bytes().filter(|byte| *byte == b'\n').count() as u64;
        let column = match before.rfind('\n') {
            Some(newline) => (offset - newline) as u64,
            None => item.column + offset as u64,
        };
        Gap {
            scope: self.scope.map(|id| id.to_string()).unwrap_or_default(),
            what: self.what,
            reason: self.reason,
            detail: format!("line {line}, column {column}: {}", self.detail),
        }
    }
}

/// Rows in the order of their ids, each id once.
pub(crate) fn table<P: Merge>(mut rows: Vec<(u64, Resource<P>)>, notes: &mut Vec<String>) -> Table<P> {
    rows.sort_by(|(a_order, a), (b_order, b)| a.id.cmp(&b.id).then(a_order.cmp(b_order)));
    let mut table: Vec<Resource<P>> = Vec::with_capacity(rows.len());
    for (_, row) in rows {
        match table.last_mut() {
            Some(last) if last.id == row.id => merge(last, row, notes),
            _ => table.push(row),
        }
    }
    Table { rows: table }
}

fn merge<P: Merge>(first: &mut Resource<P>, second: Resource<P>, notes: &mut Vec<String>) {
    let mut conflict = false;
    first.merge(second, &mut conflict);
    if conflict {
        notes.push(format!("`{}` was read twice and the copies differ; the first one counts", first.id));
    }
}

fn finish(
    mut all: Part,
    inputs: Vec<Input>,
    origins: &HashMap<u32, String>,
    gaps: Vec<Gap>,
    notes: Vec<String>,
) -> Inventory {
    let paths: Vec<String> = inputs.iter().map(|input| input.path.clone()).collect();
    let path_of = |input: u32| origins.get(&input).or(paths.get(input as usize)).map_or("-", String::as_str);
    let mut inventory = Inventory { inputs, notes, gaps: gaps.into_iter().collect(), ..Inventory::default() };
    let mut listed = BTreeSet::new();
    for (input, lack, mut gap) in all.gaps {
        let path = path_of(input);
        if gap.scope.is_empty() {
            gap.scope = path.to_owned();
        } else {
            gap.detail = format!("{path}: {}", gap.detail);
        }
        match lack {
            Lack::Lost => inventory.gaps.insert(gap),
            Lack::Listed => listed.insert(gap),
        };
    }
    all.ids.sort_unstable();
    all.ids.dedup();
    inventory.resources = all.ids.len() as u64;
    all.rows.take_children_out(&mut listed);
    all.rows.into_tables(&mut inventory);
    keep_unread(listed, &mut inventory);
    inventory.whole = whole::merged(all.whole, &mut inventory.notes);
    inventory.known = inventory.count_known() + whole::of_other_types(&inventory.whole);
    put_children_back(&mut inventory);
    all.sessions.sort_by_key(|(order, ..)| *order);
    all.metrics.sort_by_key(|(order, ..)| *order);
    for (_, about, input, answer) in all.sessions {
        match about.or_else(|| only_gateway_with_pool(&inventory)) {
            Some(gateway) => inventory.sessions.push((gateway, answer)),
            None => {
                let path = path_of(input).to_owned();
                let detail = "a session answer does not name its gateway, and there is not exactly one gateway with \
                              a client address pool that it could belong to";
                let (what, detail) = ("sessions".into(), detail.into());
                inventory.gaps.insert(Gap { scope: path, what, reason: Reason::Missing, detail });
            }
        }
    }
    for (_, input, metric) in all.metrics {
        if metric.id.is_none() {
            let path = path_of(input).to_owned();
            let detail = "a metric has no `id`, so nobody knows which resource it is about".to_owned();
            inventory.gaps.insert(Gap { scope: path, what: "metrics".into(), reason: Reason::Damaged, detail });
            continue;
        }
        let id = metric.id.as_deref().unwrap_or_default();
        let end = id.to_ascii_lowercase().find("/providers/microsoft.insights/").unwrap_or(id.len());
        let about = ResourceId::new(&id[..end]);
        inventory.metrics.push((about, metric));
    }
    inventory
}

/// Of what was only listed in one place, that is a gap which no other place tells more of.
fn keep_unread(mut listed: BTreeSet<Gap>, inventory: &mut Inventory) {
    if listed.is_empty() {
        return;
    }
    let scopes: HashSet<ResourceId> = listed.iter().map(|gap| ResourceId::new(&gap.scope)).collect();
    let read: HashSet<&ResourceId> =
        inventory.every_resource().map(|(id, _)| id).filter(|id| scopes.contains(id)).collect();
    listed.retain(|gap| !read.contains(&ResourceId::new(&gap.scope)));
    inventory.gaps.append(&mut listed);
}

/// The one gateway that serves clients, to which a session answer without a name belongs.
fn only_gateway_with_pool(inventory: &Inventory) -> Option<ResourceId> {
    let mut with_pool = inventory.gateways.iter().filter(|gateway| gateway.properties.has_client_pool());
    match (with_pool.next(), with_pool.next()) {
        (Some(gateway), None) => Some(gateway.id.clone()),
        _ => None,
    }
}

impl Rows {
    /// Subnets and peerings move from their networks into tables of their own.
    fn take_children_out(&mut self, gaps: &mut BTreeSet<Gap>) {
        for (order, network) in &mut self.virtual_networks {
            let subnets = std::mem::take(&mut network.properties.subnets);
            let peerings = std::mem::take(&mut network.properties.virtual_network_peerings);
            let (id, location) = (&network.id, &network.location);
            move_out(subnets, "subnets", (id, location), *order, &mut self.subnets, gaps);
            move_out(peerings, "virtualNetworkPeerings", (id, location), *order, &mut self.peerings, gaps);
        }
    }
}

fn move_out<P>(
    children: Vec<Child<Option<P>>>,
    ty: &str,
    (id, location): (&ResourceId, &Option<Box<str>>),
    order: u64,
    rows: &mut Vec<(u64, Resource<P>)>,
    gaps: &mut BTreeSet<Gap>,
) {
    for child in children {
        match child_row(id, location, ty, child) {
            Ok(row) => rows.push((order, row)),
            Err(gap) => drop(gaps.insert(gap)),
        }
    }
}

/// The child as a resource of its own; one without properties was not read.
fn child_row<P>(
    parent: &ResourceId,
    location: &Option<Box<str>>,
    ty: &str,
    child: Child<Option<P>>,
) -> Result<Resource<P>, Gap> {
    let id = child.id.filter(|id| id.resource_type().is_some()).unwrap_or_else(|| parent.child(ty, &child.name));
    let Some(properties) = child.properties else {
        let what = id.resource_type().unwrap_or_default();
        let detail = format!("`{parent}` lists it without its `properties`, so nothing can be said of it");
        return Err(Gap { scope: id.to_string(), what, reason: Reason::Missing, detail });
    };
    Ok(Resource { name: id.name().into(), id, location: location.clone(), sku: None, zones: Vec::new(), properties })
}

/// Routes and rules that were read alone join their table or group. Without it they prove nothing: gap.
fn put_children_back(inventory: &mut Inventory) {
    let Inventory { routes, route_tables, security_rules, network_security_groups, gaps, notes, .. } = inventory;
    adopt(routes, route_tables, gaps, notes, |table| &mut table.routes);
    adopt(security_rules, network_security_groups, gaps, notes, |group| &mut group.security_rules);
}

fn adopt<C: Merge + Clone, P>(
    children: &mut Table<C>,
    parents: &mut Table<P>,
    gaps: &mut BTreeSet<Gap>,
    notes: &mut Vec<String>,
    list: impl Fn(&mut P) -> &mut Vec<Named<C>>,
) {
    let mut by_parent: BTreeMap<ResourceId, Vec<Named<C>>> = BTreeMap::new();
    for row in std::mem::take(&mut children.rows) {
        let Some(parent) = row.id.parent() else { continue };
        let child = Named { name: row.name, properties: row.properties };
        by_parent.entry(parent).or_default().push(child);
    }
    for (parent, children) in by_parent {
        let Some(position) = parents.position(&parent) else {
            let what = parent.resource_type().unwrap_or_default();
            let detail = "parts of it were read, but not itself, so it cannot be judged".to_owned();
            gaps.insert(Gap { scope: parent.to_string(), what, reason: Reason::Missing, detail });
            continue;
        };
        let present = list(&mut parents.rows[position].properties);
        let mut conflict = false;
        let mut by_name: HashMap<String, usize> = present.iter().enumerate().map(|(i, it)| (it.key(), i)).collect();
        for child in children {
            match by_name.get(&child.key()) {
                Some(i) => present[*i].merge(child, &mut conflict),
                None => {
                    by_name.insert(child.key(), present.len());
                    present.push(child);
                }
            }
        }
        if conflict {
            notes.push(format!("parts of `{parent}` were read twice and differ; the first ones count"));
        }
    }
}

#[cfg(test)]
mod tests;
