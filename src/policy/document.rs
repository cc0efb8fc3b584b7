//! One policy file: YAML keys become a [`Policy`], and everything that is wrong with it is named at its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::diagnostics::{Fault, LoadError, did_you_mean, line_and_column, listed};
use super::evaluate::{Policy, Rule};
use super::expression::{Code, Compiled, Param, Read, Scope, Ty, compile};
use super::keys;
use super::template::{Checked, CommandTemplate, Template};
use super::yaml::{Node, Origin, Yaml};
use super::{Metadata, Severity};
use crate::facts::schema::RecordType;
use crate::facts::{SubjectKind, resource};
use crate::symptoms;

/// The names that expressions about a kind may start with.
pub(super) type Roots = fn(SubjectKind) -> Vec<(&'static str, &'static RecordType)>;

/// How a template of some sort is checked.
type Check<T> = fn(&str, Scope<'_>) -> Result<Checked<T>, Vec<Fault>>;

const KEYS: [&str; keys::POLICY.len()] = keys::names(&keys::POLICY);

/// What ids are made of.
fn is_id(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

/// Reads the policy of that id. All faults of the file are returned, in their order.
pub(super) fn read(path: &str, id: &str, source: &str, roots: Roots) -> Result<Policy, Vec<LoadError>> {
    let mut reader = Reader {
        source,
        faults: Vec::new(),
        params: Vec::new(),
        used: Vec::new(),
        reads: Vec::new(),
        roots: Vec::new(),
    };
    let policy = match Node::read(source) {
        Ok(node) => reader.policy(path, id, &node, roots),
        Err(fault) => {
            reader.faults.push(fault);
            None
        }
    };
    if let (Some(policy), true) = (policy, reader.faults.is_empty()) {
        return Ok(policy);
    }
    let mut errors: Vec<LoadError> = reader.faults.into_iter().map(|fault| located(path, source, fault)).collect();
    errors.sort();
    errors.dedup();
    Err(errors)
}

fn located(path: &str, source: &str, fault: Fault) -> LoadError {
    let position = Some(line_and_column(source, fault.at));
    LoadError { path: path.to_owned(), position, message: fault.message, hint: fault.hint }
}

/// Each fact once, without those of which only parts matter.
fn narrowed(mut reads: Vec<Read>) -> Vec<Read> {
    reads.sort();
    reads.dedup();
    let has_parts = |read: &Read| {
        let part = |other: &Read| other.fact.strip_prefix(&read.fact).is_some_and(|rest| rest.starts_with(['.', '[']));
        reads.iter().any(part)
    };
    reads.iter().filter(|read| !has_parts(read)).cloned().collect()
}

struct Reader<'s> {
    source: &'s str,
    faults: Vec<Fault>,
    params: Vec<(String, Param)>,
    /// The positions of the parameters that something uses.
    used: Vec<usize>,
    reads: Vec<Read>,
    roots: Vec<(&'static str, &'static RecordType)>,
}

/// The entries of a map, found by key.
struct Entries<'n> {
    /// Where the map starts.
    at: usize,
    map: &'n [(Node, Node)],
}

impl<'n> Entries<'n> {
    fn get(&self, key: &str) -> Option<&'n Node> {
        let found = self.map.iter().find(|(name, _)| name.yaml == Yaml::Text(key.to_owned()));
        found.map(|(_, value)| value).filter(|value| value.yaml != Yaml::Null)
    }
}

impl Reader<'_> {
    fn fault(&mut self, at: usize, message: impl Into<String>, hint: impl Into<Option<String>>) {
        self.faults.push(Fault::new(at, message).hint(hint));
    }

    fn wrong_type(&mut self, node: &Node, what: &str, wanted: &str) {
        self.fault(node.at, format!("`{what}` is {}, not {wanted}", node.kind()), None);
    }

    /// The entries of a map, whose keys have to be these.
    fn entries<'n>(&mut self, node: &'n Node, what: &str, keys: &[&str]) -> Option<Entries<'n>> {
        let Yaml::Map(map) = &node.yaml else {
            self.wrong_type(node, what, "a map");
            return None;
        };
        for (key, _) in map {
            match &key.yaml {
                Yaml::Text(name) if keys.contains(&name.as_str()) => {}
                Yaml::Text(name) => {
                    let hint = did_you_mean(name, keys.iter().copied())
                        .unwrap_or_else(|| format!("known here: {}", listed(keys.iter().copied())));
                    self.fault(key.at, format!("unknown key `{name}`"), hint);
                }
                _ => self.fault(key.at, format!("a key is {}, not a string", key.kind()), None),
            }
        }
        Some(Entries { at: node.at, map })
    }

    fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        match &node.yaml {
            Yaml::Text(text) if text.trim().is_empty() => {
                self.fault(node.at, format!("`{what}` is empty"), None);
                None
            }
            Yaml::Text(text) => Some(text),
            _ => {
                self.wrong_type(node, what, "a string");
                None
            }
        }
    }

    /// A text about the policy itself, without values of a subject.
    fn plain<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        let text = self.text(node, what)?;
        if text.contains("{{") {
            let hint = "say it in `message`".to_owned();
            self.fault(node.at, format!("`{what}` cannot hold values"), hint);
        }
        Some(text.trim())
    }

    fn list<'n>(&mut self, node: Option<&'n Node>, what: &str) -> &'n [Node] {
        match node.map(|node| (node, &node.yaml)) {
            None => &[],
            Some((_, Yaml::List(list))) => list,
            Some((node, _)) => {
                self.wrong_type(node, what, "a list");
                &[]
            }
        }
    }

    fn texts(&mut self, node: Option<&Node>, what: &str) -> Vec<String> {
        let list = self.list(node, what);
        list.iter().filter_map(|node| self.text(node, what).map(str::to_owned)).collect()
    }

    /// A key that has to be there.
    fn required<'n>(&mut self, entries: &Entries<'n>, key: &str) -> Option<&'n Node> {
        let found = entries.get(key);
        if found.is_none() {
            match entries.map.iter().find(|(name, _)| name.yaml == Yaml::Text(key.to_owned())) {
                Some((name, _)) => {
                    let line = self.source[name.at..].lines().next().unwrap_or_default();
                    let tag = line.split_once(':').is_some_and(|(_, value)| value.trim_start().starts_with('!'));
                    let hint = tag.then(|| "put it in quotes: YAML takes what starts with `!` for a tag".to_owned());
                    self.fault(name.at, format!("`{key}` is empty"), hint);
                }
                None => self.fault(entries.at, format!("`{key}` is missing"), None),
            }
        }
        found
    }

    fn policy(&mut self, path: &str, id: &str, node: &Node, roots: Roots) -> Option<Policy> {
        let entries = self.entries(node, "the policy", &KEYS)?;
        if id.is_empty() || !id.chars().all(is_id) {
            let hint = "use lower-case letters, digits and hyphens".to_owned();
            self.fault(0, format!("the file's name `{id}` cannot be a policy's id"), hint);
        }
        self.id(entries.get("id"), id);
        let title = self.required(&entries, "title").and_then(|node| self.plain(node, "title"));
        let why = entries.get("why").and_then(|node| self.plain(node, "why"));
        let severity = self.required(&entries, "severity").and_then(|node| self.severity(node));
        let symptoms = self.symptoms(entries.get("symptoms"));
        let references = self.references(entries.get("references"));
        let frameworks = self.frameworks(entries.get("frameworks"));
        self.params(entries.get("params"));
        let kind = self.required(&entries, "subject").and_then(|node| self.subject(node));
        // Without a subject no name in an expression can be judged.
        let kind = kind?;
        let port = entries.get("port").and_then(|node| self.port(node, kind));
        let named = entries.get("type").map(|node| self.resource_type(node, kind));
        self.roots = if named.is_some() { resource::whole_roots() } else { roots(kind) };
        let rule = self.rule(&entries);
        self.unused(entries.get("params"));
        let metadata = Metadata { id: id.to_owned(), title: title?.to_owned(), symptoms, references, frameworks };
        Some(Policy {
            metadata: Arc::new(metadata),
            why: why.map(str::to_owned),
            path: path.to_owned(),
            subject: kind,
            resource_type: named.flatten(),
            port,
            severity: severity?,
            reads: narrowed(std::mem::take(&mut self.reads)),
            source: self.source.into(),
            params: std::mem::take(&mut self.params),
            rule: rule?,
        })
    }

    /// The id may stand in the file too, and only the one that the file's name gives.
    fn id(&mut self, node: Option<&Node>, id: &str) {
        let Some(node) = node else { return };
        if let Some(said) = self.text(node, "id")
            && said != id
        {
            let rename = format!(", or rename the file to `{said}.yaml`");
            let hint = format!("take the line out{}", if said.chars().all(is_id) { &rename } else { "" });
            self.fault(node.at, format!("the id `{said}` is not the file's name, `{id}`"), hint);
        }
    }

    fn severity(&mut self, node: &Node) -> Option<Severity> {
        let word = self.text(node, "severity")?;
        let found = Severity::ALL.into_iter().find(|severity| severity.word() == word);
        if found.is_none() {
            let words = Severity::ALL.map(Severity::word);
            let hint = did_you_mean(word, words).unwrap_or_else(|| format!("one of {}", listed(words)));
            self.fault(node.at, format!("unknown severity `{word}`"), hint);
        }
        found
    }

    fn subject(&mut self, node: &Node) -> Option<SubjectKind> {
        let word = self.text(node, "subject")?;
        let found = SubjectKind::ALL.into_iter().find(|kind| kind.word() == word);
        if found.is_none() {
            let words = SubjectKind::ALL.map(SubjectKind::word);
            let hint = did_you_mean(word, words).unwrap_or_else(|| format!("one of {}", listed(words)));
            self.fault(node.at, format!("unknown subject `{word}`"), hint);
        }
        found
    }

    /// The type of resources that are judged by their JSON. Its faults keep the policy from being loaded.
    fn resource_type(&mut self, node: &Node, kind: SubjectKind) -> Option<String> {
        let ty = self.text(node, "type")?.trim();
        let word =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if !ty.contains('/') || !ty.split('/').all(word) || !ty.split('/').next().is_some_and(|it| it.contains('.')) {
            let hint = "write it as Azure does: `Microsoft.Storage/storageAccounts`".to_owned();
            self.fault(node.at, format!("`{ty}` is no resource type"), hint);
        }
        if kind != SubjectKind::Resource {
            let hint = format!("`type` goes with `subject: {}`", SubjectKind::Resource.word());
            self.fault(node.at, format!("the subject `{}` has a type of its own", kind.word()), hint);
        }
        Some(ty.to_owned())
    }

    /// The port that facts are computed for. Its faults keep the policy from being loaded.
    fn port(&mut self, node: &Node, kind: SubjectKind) -> Option<u16> {
        let Yaml::Int(number) = node.yaml else {
            self.wrong_type(node, "port", "an int");
            return None;
        };
        let port = u16::try_from(number).ok().filter(|port| *port != 0);
        if port.is_none() {
            let hint = "a port is a number from 1 to 65535".to_owned();
            self.fault(node.at, format!("{number} is not a port"), hint);
        }
        if kind != SubjectKind::RdpEndpoint {
            let hint = format!("`port` goes with `subject: {}`", SubjectKind::RdpEndpoint.word());
            self.fault(node.at, format!("the subject `{}` has no port", kind.word()), hint);
        }
        port
    }

    fn symptoms(&mut self, node: Option<&Node>) -> Vec<String> {
        for symptom in self.list(node, "symptoms") {
            let Some(id) = self.text(symptom, "symptoms") else { continue };
            if !symptoms::ids().contains(&id) {
                let hint = did_you_mean(id, symptoms::ids().iter().copied());
                self.fault(symptom.at, format!("unknown symptom `{id}`"), hint);
            }
        }
        let list = self.list(node, "symptoms");
        list.iter().filter_map(|node| if let Yaml::Text(id) = &node.yaml { Some(id.clone()) } else { None }).collect()
    }

    fn references(&mut self, node: Option<&Node>) -> Vec<String> {
        for reference in self.list(node, "references") {
            if let Yaml::Text(address) = &reference.yaml
                && !address.starts_with("https://")
            {
                self.fault(reference.at, format!("the reference `{address}` does not start with `https://`"), None);
            }
        }
        self.texts(node, "references")
    }

    fn frameworks(&mut self, node: Option<&Node>) -> BTreeMap<String, Vec<String>> {
        let Some(node) = node else { return BTreeMap::new() };
        let Yaml::Map(map) = &node.yaml else {
            self.wrong_type(node, "frameworks", "a map");
            return BTreeMap::new();
        };
        let mut frameworks = BTreeMap::new();
        for (key, controls) in map {
            if let Some(name) = self.text(key, "frameworks") {
                frameworks.insert(name.to_owned(), self.texts(Some(controls), name));
            }
        }
        frameworks
    }

    fn params(&mut self, node: Option<&Node>) {
        let Some(node) = node else { return };
        let Yaml::Map(map) = &node.yaml else { return self.wrong_type(node, "params", "a map") };
        for (key, value) in map {
            let Some(name) = self.text(key, "params") else { continue };
            let param = match &value.yaml {
                Yaml::Bool(b) => Param::Bool(*b),
                Yaml::Int(i) => Param::Int(*i),
                Yaml::Double(d) => Param::Double(*d),
                Yaml::Text(text) => Param::String(text.clone()),
                _ => {
                    self.wrong_type(value, name, "an int, a double, a bool or a string");
                    continue;
                }
            };
            self.params.push((name.to_owned(), param));
        }
    }

    fn unused(&mut self, node: Option<&Node>) {
        let Some(Yaml::Map(map)) = node.map(|node| &node.yaml) else { return };
        for (key, _) in map {
            let position = self.params.iter().position(|(name, _)| key.yaml == Yaml::Text(name.clone()));
            if let Some(i) = position.filter(|i| !self.used.contains(i)) {
                let name = self.params[i].0.clone();
                self.fault(key.at, format!("the parameter `{name}` is not used"), None);
            }
        }
    }

    fn rule(&mut self, entries: &Entries<'_>) -> Option<Rule> {
        let when = entries.get("when").map(|node| self.condition(node, "when", &[]));
        let applies = match &when {
            Some(Some(compiled)) => compiled.present[0].clone(),
            _ => Vec::new(),
        };
        let check = self.required(entries, "check").and_then(|node| self.condition(node, "check", &applies));
        let mut fails = applies.clone();
        fails.extend(check.iter().flat_map(|compiled| compiled.present[1].clone()));

        let severity_when = self.severity_when(entries.get("severityWhen"), &fails);
        let message = self.required(entries, "message").and_then(|node| self.template(node, "message", &fails));
        let evidence = self.evidence(entries.get("evidence"), &applies);
        let remediation = self.required(entries, "remediation");
        let (text, commands) = remediation.and_then(|node| self.remediation(node, &fails)).unzip();
        Some(Rule {
            when: match when {
                Some(compiled) => Some(compiled?.code),
                None => None,
            },
            check: check?.code,
            severity_when,
            message: message?,
            evidence,
            remediation: text?,
            commands: commands?,
        })
    }

    fn severity_when(&mut self, node: Option<&Node>, present: &[String]) -> Vec<(Code, Severity)> {
        let mut all = Vec::new();
        for node in self.list(node, "severityWhen") {
            let Some(entries) = self.entries(node, "severityWhen", &keys::names(&keys::SEVERITY_WHEN)) else {
                continue;
            };
            let when = self.required(&entries, "when").and_then(|node| self.condition(node, "when", present));
            let severity = self.required(&entries, "severity").and_then(|node| self.severity(node));
            all.extend(when.zip(severity).map(|(when, severity)| (when.code, severity)));
        }
        all
    }

    fn evidence(&mut self, node: Option<&Node>, present: &[String]) -> Vec<(String, Code)> {
        let Some(node) = node else { return Vec::new() };
        let Yaml::Map(map) = &node.yaml else {
            self.wrong_type(node, "evidence", "a map");
            return Vec::new();
        };
        let mut all = Vec::new();
        for (key, value) in map {
            let name = self.text(key, "evidence");
            let Some(Compiled { code, ty, .. }) = self.expression(value, name.unwrap_or("evidence"), present) else {
                continue;
            };
            let item = match ty.inner() {
                Ty::List(item) => item.inner(),
                single => single,
            };
            if *item == Ty::Command {
                let hint = "put it into `remediation.commands`".to_owned();
                self.fault(value.at, "a command cannot be evidence", hint);
            }
            all.extend(name.map(|name| (name.to_owned(), code)));
        }
        all
    }

    fn remediation(&mut self, node: &Node, present: &[String]) -> Option<(Template, Vec<CommandTemplate>)> {
        let entries = self.entries(node, "remediation", &keys::names(&keys::REMEDIATION))?;
        let text = self.required(&entries, "text").and_then(|node| self.template(node, "text", present));
        let mut commands = Vec::new();
        for node in self.list(entries.get("commands"), "commands") {
            commands.extend(self.checked(node, "commands", present, CommandTemplate::check));
        }
        Some((text?, commands))
    }

    /// An expression of any type.
    fn expression(&mut self, node: &Node, what: &str, present: &[String]) -> Option<Compiled> {
        let text = self.text(node, what)?;
        let scope = Scope { roots: &self.roots, params: &self.params, present };
        match compile(text, scope) {
            Ok(compiled) => {
                self.used.extend(&compiled.params);
                self.reads.extend_from_slice(&compiled.reads);
                Some(compiled)
            }
            Err(faults) => {
                self.within(node, text, faults);
                None
            }
        }
    }

    /// An expression that is true or false.
    fn condition(&mut self, node: &Node, what: &str, present: &[String]) -> Option<Compiled> {
        let compiled = self.expression(node, what, present)?;
        if !matches!(compiled.ty, Ty::Bool | Ty::Json) {
            self.fault(node.at, format!("`{what}` is of type {}, not bool", compiled.ty), None);
            return None;
        }
        Some(compiled)
    }

    fn template(&mut self, node: &Node, what: &str, present: &[String]) -> Option<Template> {
        self.checked(node, what, present, Template::check)
    }

    fn checked<T>(&mut self, node: &Node, what: &str, present: &[String], check: Check<T>) -> Option<T> {
        let text = self.text(node, what)?.trim_end();
        match check(text, Scope { roots: &self.roots, params: &self.params, present }) {
            Ok(Checked { template, params, reads }) => {
                self.used.extend(params);
                self.reads.extend(reads);
                Some(template)
            }
            Err(faults) => {
                self.within(node, text, faults);
                None
            }
        }
    }

    /// Faults within the text of a scalar, moved to where that text stands in the file.
    fn within(&mut self, node: &Node, text: &str, faults: Vec<Fault>) {
        // Its parameters count as used: one typo is one finding.
        let used = |name: &str| text.contains(&format!("params.{name}"));
        self.used.extend((0..self.params.len()).filter(|i| used(&self.params[*i].0)));
        let origin = Origin::of(self.source, node.at, text);
        self.faults.extend(faults.into_iter().map(|fault| Fault { at: origin.byte(fault.at), ..fault }));
    }
}
