//! Names, ids, users, tags and public addresses under others: the same ones for the same ones within a file.
//!
//! Letters become letters and digits digits, so that ids stay ids and names keep their form. What the audit knows by
//! its name stays: subnets such as `GatewaySubnet`, Azure's own rules, SKUs, regions, types, private addresses. So do
//! certificates, whose verdicts rest on every byte of them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::LazyLock;

use ipnet::IpNet;
use regex::{Captures, Regex};
use sha2::{Digest, Sha256};

use super::addresses::{permute, permute_net, permute_range};
use super::walk::{Visitor, replace, walk};

/// What stands for text that people wrote.
const REDACTED: &str = "(redacted)";

/// Names that Azure gives, in lower case.
const KNOWN_NAMES: [&str; 14] = [
    "gatewaysubnet",
    "azurefirewallsubnet",
    "azurefirewallmanagementsubnet",
    "azurebastionsubnet",
    "routeserversubnet",
    "default",
    "allowvnetinbound",
    "allowazureloadbalancerinbound",
    "denyallinbound",
    "allowvnetoutbound",
    "allowinternetoutbound",
    "denyalloutbound",
    "p2sconnectioncount",
    "(removed)",
];

/// How names start that Azure gives to rules of just-in-time access; the rest of them is a hash.
const KNOWN_STARTS: [&str; 2] = ["microsoftdefenderforcloud-jitrule", "securitycenter-jitrule"];

/// Members whose `name` is one of Azure's words.
const OF_AZURE: [&str; 6] = ["sku", "plan", "name", "category", "extendedlocation", "imagereference"];

/// Members that people write sentences in.
const SENTENCES: [&str; 5] = ["description", "message", "comments", "notes", "purpose"];

/// Other members that name people or things.
const NAMING: [&str; 8] = [
    "owner",
    "createdby",
    "lastmodifiedby",
    "computernameprefix",
    "macaddress",
    "domainnamelabel",
    "requestor",
    "justification",
];

/// Hosts and domains of Microsoft, which tell nothing of a customer.
const MICROSOFT: [&str; 10] = [
    "microsoftonline.com",
    "microsoftonline.us",
    "microsoftonline.cn",
    "microsoftonline.de",
    "chinacloudapi.cn",
    "sts.windows.net",
    "microsoft.com",
    "management.azure.com",
    "windowsupdate.com",
    "microsoft.us",
];

/// Applications of Microsoft that gateways name as their audience.
const APPLICATIONS: [&str; 5] = [
    "41b23e61-6c1e-4545-b367-cd054e0ed4b4",
    "51bb15d4-3a4f-4ebf-9dca-40096fe32426",
    "538ee9e6-310a-468d-afef-ea97365856a9",
    "49f817b6-84ae-4cc0-928c-73f27289b3aa",
    "c632b3df-fb67-4d84-bdcf-b95ad541b5c8",
];

/// What a sentence or a value may hold, tried in this order at each place.
static PARTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let parts = [
        r#"(?P<id>(?i:/subscriptions/|/providers/)[^\s'"`,;()]+)"#,
        r#"(?P<url>(?i:https?)://[^\s'"`,;()]+)"#,
        r"(?P<mail>[\w.+#-]+@[\w-]+(?:\.[\w-]+)+)",
        r"(?P<guid>\b[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\b)",
        r"(?P<v4>\b\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?\b)",
        r"(?P<v6>(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?:/\d{1,3})?)",
    ];
    Regex::new(&parts.join("|")).ok()
});

/// What stands in quotes in a sentence of Azure.
static QUOTED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"'([^']+)'|`([^`]+)`").ok());

/// Puts other names in place of names.
#[derive(Debug)]
pub(super) struct Redactor {
    seed: Vec<u8>,
    /// By name in lower case.
    names: HashMap<String, String>,
    used: HashSet<String>,
}

impl Redactor {
    /// With a seed that nobody knows, so that a name cannot be found by trying.
    pub fn new() -> Self {
        // The system's randomness, by way of the standard library's hash tables.
        let seed = (0..8_u64).flat_map(|i| RandomState::new().hash_one(i).to_be_bytes()).collect();
        Self { seed, names: HashMap::new(), used: HashSet::new() }
    }

    /// The JSON text of an item.
    pub fn item(&mut self, json: &str) -> String {
        let mut search = Search { frames: Vec::new(), edits: Vec::new(), redactor: self };
        walk(json, &mut search);
        replace(json, search.edits)
    }

    /// A name, in the letter case that it had.
    pub fn name(&mut self, name: &str) -> String {
        let lower = name.to_lowercase();
        let known = KNOWN_NAMES.contains(&lower.as_str()) || KNOWN_STARTS.iter().any(|start| lower.starts_with(start));
        // Instances of scale sets are numbers.
        if known || name.len() < 4 && name.chars().all(|c| c.is_ascii_digit()) {
            return name.to_owned();
        }
        // The network that Azure makes for a hub: HV_HUB_GUID.
        if let Some((start, (hub, rest))) = name.split_at_checked(3).and_then(|(a, b)| Some((a, b.rsplit_once('_')?)))
            && start.eq_ignore_ascii_case("HV_")
        {
            return format!("{start}{}_{}", self.name(hub), self.name(rest));
        }
        self.other(name, lower)
    }

    /// A tag's name or value: none of them is Azure's.
    fn tag(&mut self, tag: &str) -> String {
        match tag == super::REMOVED || tag.is_empty() {
            true => tag.to_owned(),
            false => self.other(tag, tag.to_lowercase()),
        }
    }

    fn other(&mut self, name: &str, lower: String) -> String {
        let other = match self.names.get(&lower) {
            Some(other) => other.clone(),
            None => self.invent(lower),
        };
        let mut case = name.chars();
        let cased = |c: char| match case.next().is_some_and(char::is_uppercase) {
            true => c.to_ascii_uppercase(),
            false => c,
        };
        other.chars().map(cased).collect()
    }

    fn invent(&mut self, lower: String) -> String {
        let mut attempt = 0_u32;
        loop {
            let mut other = self.scramble(&lower, attempt);
            // Short names have few others of their length.
            (0..attempt / 16).for_each(|_| other.push('x'));
            if other != lower && !KNOWN_NAMES.contains(&other.as_str()) && self.used.insert(other.clone()) {
                self.names.insert(lower, other.clone());
                return other;
            }
            attempt += 1;
            if attempt > 4096 {
                return lower.chars().map(|c| if c.is_alphanumeric() { 'x' } else { c }).collect();
            }
        }
    }

    fn scramble(&self, text: &str, attempt: u32) -> String {
        let mut block = 0_u32;
        let mut bytes: Vec<u8> = Vec::new();
        let other = |c: char| {
            if bytes.is_empty() {
                block += 1;
                let hash = Sha256::new_with_prefix(&self.seed).chain_update(attempt.to_be_bytes());
                bytes = hash.chain_update(block.to_be_bytes()).chain_update(text).finalize().to_vec();
            }
            let byte = bytes.pop().unwrap_or_default();
            match c {
                '0'..='9' => char::from(b'0' + byte % 10),
                c if c.is_ascii_alphabetic() => char::from(b'a' + byte % 26),
                c if c.is_alphabetic() => 'ö',
                c => c,
            }
        };
        text.chars().map(other).collect()
    }

    /// A resource id, or what starts like one.
    pub fn id(&mut self, id: &str) -> String {
        let mut out: Vec<String> = Vec::new();
        let mut segments = id.split('/');
        let mut in_provider = false;
        while let Some(segment) = segments.next() {
            out.push(segment.to_owned());
            let word = segment.to_ascii_lowercase();
            if word == "providers" {
                in_provider = true;
                out.extend(segments.next().map(str::to_owned));
            } else if word == "locations" {
                out.extend(segments.next().map(str::to_owned));
            } else if in_provider || matches!(word.as_str(), "subscriptions" | "resourcegroups" | "tenants") {
                let name = segments.next().map(|name| if is_guid(name) { self.guid(name) } else { self.name(name) });
                out.extend(name);
            }
        }
        out.join("/")
    }

    fn guid(&mut self, guid: &str) -> String {
        let lower = guid.to_ascii_lowercase();
        if APPLICATIONS.contains(&lower.as_str()) || lower.starts_with("00000000-") {
            return guid.to_owned();
        }
        let hash = Sha256::new_with_prefix(&self.seed).chain_update(b"guid").chain_update(&lower).finalize();
        let mut digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let digit = |c: char| match c {
            '-' => '-',
            _ => digits.next().and_then(|digit| char::from_digit(u32::from(digit), 16)).unwrap_or('0'),
        };
        lower.chars().map(digit).collect()
    }

    fn host(&mut self, host: &str) -> String {
        let lower = host.to_ascii_lowercase();
        let of_microsoft = |it: &&str| lower == **it || lower.ends_with(&format!(".{it}"));
        if MICROSOFT.iter().any(of_microsoft) || host == "*" {
            return host.to_owned();
        }
        let labels: Vec<&str> = host.split('.').collect();
        let azure = ["windows.net", "azure.com", "azure.net", "azurewebsites.net", "cloudapp.net", "usgovcloudapi.net"];
        // What stands in front of Azure's own domains: the customer's label, and a service or a region.
        let kept = match azure.iter().any(|domain| lower.ends_with(domain)) {
            true => labels.len().saturating_sub(1),
            false => 1,
        };
        let mapped = labels.iter().enumerate().map(|(i, label)| match i + kept >= labels.len() || *label == "*" {
            true => (*label).to_owned(),
            false => self.name(label),
        });
        mapped.collect::<Vec<_>>().join(".")
    }

    fn url(&mut self, url: &str) -> String {
        let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
        let end = rest.find(['/', '?', '#', ':']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        let mapped = match host.parse::<IpAddr>() {
            Ok(address) => permute(&self.seed, address).to_string(),
            Err(_) => self.host(host),
        };
        let path = match mapped == host {
            true => self.parts(path),
            false => path.split('/').map(|part| self.name(part)).collect::<Vec<_>>().join("/"),
        };
        format!("{scheme}://{mapped}{path}")
    }

    fn address(&self, text: &str) -> String {
        match (text.parse::<IpAddr>(), text.parse::<IpNet>()) {
            (Ok(address), _) => permute(&self.seed, address).to_string(),
            (_, Ok(net)) => permute_net(&self.seed, net).to_string(),
            _ => text.to_owned(),
        }
    }

    /// A value, with what in it names something under another name.
    fn parts(&mut self, text: &str) -> String {
        let Some(parts) = PARTS.as_ref() else { return REDACTED.to_owned() };
        let other = |found: &Captures<'_>| {
            let all = &found[0];
            let is = |name| found.name(name).is_some();
            match () {
                () if is("id") => self.id(all),
                () if is("url") => self.url(all),
                () if is("mail") => self.name(all),
                () if is("guid") => self.guid(all),
                () => self.address(all),
            }
        };
        parts.replace_all(text, other).into_owned()
    }

    /// A sentence of Azure, or of this program: what stands in quotes is a name, unless it is Azure's.
    pub fn words(&mut self, text: &str) -> String {
        let Some(quoted) = QUOTED.as_ref() else { return REDACTED.to_owned() };
        let text = self.parts(text);
        let other = |found: &Captures<'_>| {
            let all = &found[0];
            let (quote, inner) = (&all[..1], &all[1..all.len() - 1]);
            let azure = inner.to_ascii_lowercase().starts_with("microsoft.") || inner.starts_with(['/', '$']);
            if azure { all.to_owned() } else { format!("{quote}{}{quote}", self.name(inner)) }
        };
        quoted.replace_all(&text, other).into_owned()
    }

    /// A scope: an id, or the path of a file.
    pub fn scope(&mut self, scope: &str) -> String {
        if scope.to_ascii_lowercase().starts_with("/subscriptions") || scope.starts_with("/providers") {
            return self.id(scope);
        }
        self.name(scope)
    }

    /// The name or id of a subscription.
    pub fn subscription(&mut self, text: &str) -> String {
        if is_guid(text) { self.guid(text) } else { self.name(text) }
    }

    /// The value of that member, which may become several in a list.
    fn value(&mut self, member: &str, parent: &str, text: &str) -> Vec<String> {
        let member = member.to_ascii_lowercase();
        let parent = parent.to_ascii_lowercase();
        let is_id = text.starts_with('/') && text.to_ascii_lowercase().contains("/providers/");
        let is_address = || text.trim().parse::<IpAddr>().is_ok() || text.trim().parse::<IpNet>().is_ok();
        if let Some((from, to)) = text.split_once('-')
            && let (Ok(from), Ok(to)) = (from.trim().parse(), to.trim().parse())
        {
            return permute_range(&self.seed, from, to).unwrap_or_else(|| vec![text.to_owned()]);
        }
        vec![match () {
            () if text.is_empty() || member == "publiccertdata" || member.contains("thumbprint") => text.to_owned(),
            () if SENTENCES.contains(&member.as_str()) => REDACTED.to_owned(),
            () if is_id => self.id(text),
            () if is_address() => self.address(text.trim()),
            () if member == "name" && OF_AZURE.contains(&parent.as_str()) => text.to_owned(),
            () if member == "name" => text.split('/').map(|part| self.name(part)).collect::<Vec<_>>().join("/"),
            () if ["fqdn", "dns", "domain", "host", "radiusserveraddress"].iter().any(|it| member.contains(it))
                && text.contains('.') =>
            {
                if text.contains("://") {
                    self.url(text)
                } else {
                    self.host(text)
                }
            }
            () if NAMING.contains(&member.as_str()) => self.name(text),
            () if member.ends_with("name") && !text.starts_with("Microsoft.") => self.name(text),
            () => self.parts(text),
        }]
    }
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

#[derive(Default)]
struct Frame {
    key: String,
    parent: String,
    tags: bool,
    array: bool,
}

struct Search<'r> {
    frames: Vec<Frame>,
    edits: Vec<(Range<usize>, String)>,
    redactor: &'r mut Redactor,
}

impl Search<'_> {
    fn open(&mut self, array: bool) {
        let Some(frame) = self.frames.last() else {
            return self.frames.push(Frame { array, ..Frame::default() });
        };
        let tags = frame.tags || frame.key.eq_ignore_ascii_case("tags");
        let key = if array { frame.key.clone() } else { String::new() };
        let parent = frame.key.clone();
        self.frames.push(Frame { key, parent, tags, array });
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Visitor for Search<'_> {
    fn open_object(&mut self) {
        self.open(false);
    }

    fn open_array(&mut self) {
        self.open(true);
    }

    fn close(&mut self) {
        self.frames.pop();
    }

    fn key(&mut self, key: &str, range: Range<usize>) {
        let Some(frame) = self.frames.last_mut() else { return };
        frame.key = key.to_owned();
        if frame.tags {
            self.edits.push((range, quoted(&self.redactor.tag(key))));
        } else if key.starts_with('/') {
            // A map whose keys are ids, such as that of an identity.
            self.edits.push((range, quoted(&self.redactor.id(key))));
        }
    }

    fn scalar(&mut self, text: Option<&str>, range: Range<usize>) {
        let (Some(frame), Some(text)) = (self.frames.last(), text) else { return };
        let others: Vec<String> = match frame.tags {
            true => vec![self.redactor.tag(text)],
            false => self.redactor.value(&frame.key, &frame.parent, text),
        };
        if let [other] = others.as_slice()
            && other == text
        {
            return;
        }
        let with = match frame.array {
            true => others.iter().map(|it| Cow::Owned(quoted(it))).collect::<Vec<Cow<'_, str>>>().join(","),
            false => quoted(&others.join(",")),
        };
        self.edits.push((range, with));
    }
}
