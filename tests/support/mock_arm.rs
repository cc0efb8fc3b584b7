//! Azure Resource Manager on loopback: serves an estate as Azure does, and misbehaves where a test says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// A running mock. It answers until it is dropped.
pub struct MockArm {
    runtime: Runtime,
    server: MockServer,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Where it listens.
    url: String,
    /// Resources in the REST shape, of whatever subscription.
    estate: Vec<Value>,
    /// Display names of subscriptions by id in lower case.
    subscriptions: BTreeMap<String, String>,
    /// Subscriptions below management groups, by the group's id.
    groups: BTreeMap<String, Vec<String>>,
    /// Subscriptions that the identity may not read.
    denied: BTreeSet<String>,
    /// Rows a page.
    page: usize,
    /// Metrics and session answers by gateway id in lower case.
    metrics: BTreeMap<String, Value>,
    sessions: BTreeMap<String, Value>,
    faults: Vec<Fault>,
}

struct Fault {
    when: Box<dyn Fn(&Request) -> bool + Send + Sync>,
    /// How often it still strikes.
    left: AtomicUsize,
    answer: ResponseTemplate,
}

impl MockArm {
    /// Serves the estate in pages of a thousand rows. Its subscriptions are those that its ids name.
    pub fn start(estate: Vec<Value>) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let server = runtime.block_on(MockServer::start());
        let mut state = State { url: server.uri(), page: 1000, ..State::default() };
        for resource in &estate {
            let subscription = subscription_of(id_of(resource));
            state.subscriptions.entry(subscription.clone()).or_insert(format!("Subscription {subscription}"));
        }
        state.estate = estate;
        let state = Arc::new(Mutex::new(state));
        let responder = Responder(Arc::clone(&state));
        runtime.block_on(Mock::given(any()).respond_with(responder).mount(&server));
        Self { runtime, server, state }
    }

    /// Names a subscription, which the estate may say nothing of.
    pub fn subscription(self, id: &str, name: &str) -> Self {
        self.with(|state| drop(state.subscriptions.insert(id.to_lowercase(), name.to_owned())))
    }

    /// Puts subscriptions below a management group.
    pub fn management_group(self, group: &str, subscriptions: &[&str]) -> Self {
        let subscriptions = subscriptions.iter().map(|id| id.to_lowercase()).collect();
        self.with(|state| drop(state.groups.insert(group.to_owned(), subscriptions)))
    }

    /// At most so many rows a page.
    pub fn page(self, rows: usize) -> Self {
        self.with(|state| state.page = rows)
    }

    /// Lets nobody read that subscription. Resource Graph keeps silent about it, as Azure's does.
    pub fn deny(self, subscription: &str) -> Self {
        self.with(|state| state.denied.extend([subscription.to_lowercase()]))
    }

    /// Serves that metric answer for the gateway.
    pub fn metrics(self, gateway: &str, answer: Value) -> Self {
        self.with(|state| drop(state.metrics.insert(gateway.to_lowercase(), answer)))
    }

    /// Serves that session answer for the gateway.
    pub fn sessions(self, gateway: &str, answer: Value) -> Self {
        self.with(|state| drop(state.sessions.insert(gateway.to_lowercase(), answer)))
    }

    /// Answers so many requests with `answer`, of those that `when` picks.
    pub fn fault(
        self,
        times: usize,
        when: impl Fn(&Request) -> bool + Send + Sync + 'static,
        answer: ResponseTemplate,
    ) -> Self {
        let fault = Fault { when: Box::new(when), left: AtomicUsize::new(times), answer };
        self.with(|state| state.faults.push(fault))
    }

    /// As [`fault`](Self::fault), always.
    pub fn always(self, when: impl Fn(&Request) -> bool + Send + Sync + 'static, answer: ResponseTemplate) -> Self {
        self.fault(usize::MAX, when, answer)
    }

    fn with(self, change: impl FnOnce(&mut State)) -> Self {
        change(&mut self.state.lock().expect("the state"));
        self
    }

    /// Its address, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.uri()
    }

    /// Where it serves tokens, for IDENTITY_ENDPOINT.
    pub fn identity_endpoint(&self) -> String {
        format!("{}/msi/token", self.server.uri())
    }

    /// The environment in which azaudit finds this mock, and signs in to it as a managed identity.
    pub fn variables(&self) -> [(&'static str, String); 3] {
        [
            ("AZURE_RESOURCE_MANAGER_ENDPOINT", self.url()),
            ("IDENTITY_ENDPOINT", self.identity_endpoint()),
            ("IDENTITY_HEADER", "secret".into()),
        ]
    }

    /// Every request that came, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.runtime.block_on(self.server.received_requests()).expect("requests are recorded")
    }

    /// How many requests came whose path holds that text.
    pub fn count(&self, text: &str) -> usize {
        self.requests().iter().filter(|request| request.url.path().contains(text)).count()
    }
}

/// An error answer in ARM's usual form.
pub fn error(status: u16, code: &str) -> ResponseTemplate {
    let body = json!({"error": {"code": code, "message": format!("the message of {code}")}});
    ResponseTemplate::new(status).set_body_json(body)
}

/// Whether that is a query of Resource Graph.
pub fn is_graph(request: &Request) -> bool {
    request.url.path().ends_with("/Microsoft.ResourceGraph/resources")
}

/// Whether that is a query of Resource Graph from its second page on.
pub fn is_later_graph_page(request: &Request) -> bool {
    is_graph(request) && body(request)["options"]["$skipToken"].is_string()
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_default()
}

struct Responder(Arc<Mutex<State>>);

impl Respond for Responder {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let state = self.0.lock().expect("the state");
        for fault in state.faults.iter().filter(|fault| (fault.when)(request)) {
            let left = fault.left.load(Ordering::Relaxed);
            if left > 0 {
                fault.left.store(left - 1, Ordering::Relaxed);
                return fault.answer.clone();
            }
        }
        if request.url.path() == "/msi/token" {
            return token(request);
        }
        if !request.headers.contains_key("authorization") {
            return error(401, "AuthenticationFailed");
        }
        match request.method.as_str() {
            "GET" => state.get(request),
            "POST" => state.post(request),
            _ => error(405, "MethodNotAllowed"),
        }
    }
}

fn token(request: &Request) -> ResponseTemplate {
    let resource = query(request, "resource");
    let expires = time::OffsetDateTime::now_utc().unix_timestamp() + 3600;
    let body = json!({"access_token": "token-of-managed-identity", "expires_on": expires.to_string(),
        "token_type": "Bearer", "resource": resource});
    ResponseTemplate::new(200).set_body_json(body)
}

impl State {
    fn get(&self, request: &Request) -> ResponseTemplate {
        let path = percent_decoded(request.url.path());
        let lower = path.to_lowercase();
        if lower == "/subscriptions" {
            let listed: Vec<Value> =
                self.subscriptions.iter().filter(|(id, _)| !self.denied.contains(*id)).map(subscription).collect();
            return self.list(request, listed);
        }
        let id = subscription_of(&path);
        if self.denied.contains(&id) {
            return error(403, "AuthorizationFailed");
        }
        let Some(known) = self.subscriptions.get_key_value(&id) else { return error(404, "SubscriptionNotFound") };
        let scope = lower.trim_start_matches(&format!("/subscriptions/{id}"));
        if scope.is_empty() {
            return ResponseTemplate::new(200).set_body_json(subscription(known));
        }
        if lower.starts_with("/subscriptions/") && lower.contains("/operations/") {
            return self.operation(request, &lower);
        }
        if let Some(gateway) = lower.strip_suffix("/providers/microsoft.insights/metrics") {
            let none =
                json!({"value": [{"name": {"value": "P2SConnectionCount"}, "errorCode": "Success", "timeseries": []}]});
            return ResponseTemplate::new(200).set_body_json(self.metrics.get(gateway).unwrap_or(&none));
        }
        if let Some(resource) = self.estate.iter().find(|it| id_of(it).to_lowercase() == lower) {
            let expanded = query(request, "$expand") == "instanceView" || type_of(resource) != MACHINE;
            let resource = if expanded { resource.clone() } else { listed(resource) };
            return ResponseTemplate::new(200).set_body_json(resource);
        }
        self.typed_list(request, &lower)
    }

    /// A list of one type: of a subscription, a resource group, or of any types without their properties.
    fn typed_list(&self, request: &Request, path: &str) -> ResponseTemplate {
        if let Some(scope) = path.strip_suffix("/resources") {
            let filter = query(request, "$filter").to_lowercase();
            let mut rows = self.under(scope);
            rows.retain(|it| filter.is_empty() || filter.contains(&format!("'{}'", type_of(it))));
            let rows = rows
                .into_iter()
                .map(|it| json!({"id": it["id"], "name": it["name"], "type": it["type"], "location": it["location"]}));
            return self.list(request, rows.collect());
        }
        let Some((scope, ty)) = path.rsplit_once("/providers/") else { return error(404, "ResourceGroupNotFound") };
        const BY_GROUP_ONLY: [&str; 3] = ["virtualnetworkgateways", "connections", "localnetworkgateways"];
        let by_group = BY_GROUP_ONLY.iter().any(|it| ty.ends_with(&format!("/{it}")));
        if by_group && !scope.contains("/resourcegroups/") {
            return error(404, "InvalidResourceType");
        }
        if let [provider, parent, name, child] = ty.split('/').collect::<Vec<_>>()[..] {
            let parent = format!("{scope}/providers/{provider}/{parent}/{name}/{child}/");
            let mut rows = self.under(scope);
            rows.retain(|it| id_of(it).to_lowercase().starts_with(&parent));
            return self.list(request, rows);
        }
        if ty.matches('/').count() != 1 {
            return error(404, "ResourceNotFound");
        }
        let mut rows = self.under(scope);
        // Policies of just-in-time access stand under a region; their list does not.
        rows.retain(|it| type_of(it).replace("/locations/", "/") == ty);
        if query(request, "statusOnly") == "true" {
            let status = |it: &Value| {
                let whole = self.estate.iter().find(|whole| id_of(whole) == id_of(it)).unwrap_or(it);
                json!({"id": it["id"], "name": it["name"], "type": it["type"], "location": it["location"],
                    "properties": {"instanceView": whole["properties"]["instanceView"]}})
            };
            rows = rows.iter().map(status).filter(|it| !it["properties"]["instanceView"].is_null()).collect();
        }
        self.list(request, rows)
    }

    fn under(&self, scope: &str) -> Vec<Value> {
        let prefix = format!("{scope}/");
        self.estate.iter().filter(|it| id_of(it).to_lowercase().starts_with(&prefix)).map(listed).collect()
    }

    fn list(&self, request: &Request, rows: Vec<Value>) -> ResponseTemplate {
        let start: usize = query(request, "$skiptoken").parse().unwrap_or_default();
        let end = (start + self.page).min(rows.len());
        let mut page = json!({"value": rows.get(start..end).unwrap_or_default()});
        if end < rows.len() {
            let mut next = request.url.clone();
            let kept: Vec<(String, String)> = next
                .query_pairs()
                .filter(|(name, _)| name != "$skiptoken")
                .map(|(a, b)| (a.into(), b.into()))
                .collect();
            next.query_pairs_mut().clear().extend_pairs(kept).append_pair("$skiptoken", &end.to_string());
            page["nextLink"] = json!(format!("{}{}?{}", self.url, next.path(), next.query().unwrap_or_default()));
        }
        ResponseTemplate::new(200).set_body_json(page)
    }

    fn post(&self, request: &Request) -> ResponseTemplate {
        if is_graph(request) {
            return self.graph(request);
        }
        let path = percent_decoded(request.url.path());
        let Some((gateway, _)) = path.rsplit_once('/') else { return error(404, "NotFound") };
        if self.denied.contains(&subscription_of(gateway)) {
            return error(403, "AuthorizationFailed");
        }
        // Accepted; the first place says 202 once more and names another one, as Azure does since late 2023.
        let first = format!("{}{gateway}/operations/first?t=a%2Fb", self.url);
        ResponseTemplate::new(202)
            .insert_header("location", first)
            .insert_header("retry-after", "0")
            .set_body_string("null")
    }

    fn operation(&self, request: &Request, path: &str) -> ResponseTemplate {
        let (gateway, step) = path.rsplit_once("/operations/").unwrap_or_default();
        let again = format!(
            "{}{}/operations/second?signed=x%2By",
            self.url,
            request.url.path().rsplit_once("/operations/").unwrap_or_default().0
        );
        if step == "first" {
            return ResponseTemplate::new(202)
                .insert_header("location", again)
                .insert_header("retry-after", "0")
                .set_body_string("null");
        }
        let nobody = json!({"value": []});
        let answer = self.sessions.get(gateway).unwrap_or(&nobody);
        ResponseTemplate::new(200).insert_header("location", again).set_body_json(answer)
    }

    /// The subscriptions below a management group, one a page.
    fn below(&self, asked: &Value) -> ResponseTemplate {
        let group = asked["managementGroups"][0].as_str().unwrap_or_default();
        let Some(members) = self.groups.get(group) else { return error(404, "ManagementGroupNotFound") };
        let start: usize = asked["options"]["$skipToken"].as_str().and_then(|it| it.parse().ok()).unwrap_or_default();
        let data: Vec<Value> = members
            .iter()
            .skip(start)
            .take(1)
            .map(|id| {
                json!({"id": format!("/subscriptions/{id}"),
            "subscriptionId": id, "displayName": self.subscriptions.get(id)})
            })
            .collect();
        let mut page =
            json!({"totalRecords": members.len(), "count": data.len(), "resultTruncated": "false", "data": data});
        if start + 1 < members.len() {
            page["$skipToken"] = json!((start + 1).to_string());
        }
        ResponseTemplate::new(200).set_body_json(page)
    }

    /// Resource Graph, as far as the queries of azaudit go.
    fn graph(&self, request: &Request) -> ResponseTemplate {
        let asked = body(request);
        let text = asked["query"].as_str().unwrap_or_default();
        if text.starts_with("resourcecontainers") {
            return self.below(&asked);
        }
        let types = between(text, "type in~ (", ")");
        let group = between(text, "resourceGroup =~ '", "'").to_lowercase();
        let within: BTreeSet<String> = asked["subscriptions"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_lowercase)
            .collect();
        let mut rows: Vec<&Value> =
            self.estate.iter().filter(|it| types.contains(&format!("'{}'", type_of(it)))).collect();
        rows.retain(|it| {
            let subscription = subscription_of(id_of(it));
            within.contains(&subscription) && !self.denied.contains(&subscription)
        });
        rows.retain(|it| group.is_empty() || id_of(it).to_lowercase().contains(&format!("/resourcegroups/{group}/")));
        rows.sort_by_key(|it| id_of(it).to_lowercase());
        let start: usize = asked["options"]["$skipToken"].as_str().and_then(|it| it.parse().ok()).unwrap_or_default();
        let top = asked["options"]["$top"].as_u64().map_or(100, |top| top.min(1000) as usize);
        let end = (start + self.page.min(top)).min(rows.len());
        let data: Vec<Value> = rows[start.min(end)..end].iter().map(|it| graph_row(it)).collect();
        let mut page = json!({"totalRecords": rows.len(), "count": data.len(), "resultTruncated": "false", "facets": [], "data": data});
        if end < rows.len() {
            page["$skipToken"] = json!(end.to_string());
        }
        ResponseTemplate::new(200).set_body_json(page)
    }
}

const MACHINE: &str = "microsoft.compute/virtualmachines";

/// A resource as lists give it: the number of sessions stands in a GET of the gateway alone, and how a machine runs
/// where it is asked for.
fn listed(resource: &Value) -> Value {
    let mut row = resource.clone();
    if let Some(machine) = row["properties"].as_object_mut().filter(|_| type_of(resource) == MACHINE) {
        machine.remove("instanceView");
    }
    if let Some(clients) = row.pointer_mut("/properties/vpnClientConfiguration").and_then(Value::as_object_mut) {
        clients.remove("vpnClientConnectionHealth");
    }
    row
}

/// A resource as Resource Graph gives it: type in lower case, what is absent is null.
fn graph_row(resource: &Value) -> Value {
    let mut row = listed(resource);
    let id = id_of(resource);
    // Of how a machine runs, only its state of power.
    let statuses = resource["properties"]["instanceView"]["statuses"].as_array();
    let power = |it: &&Value| it["code"].as_str().is_some_and(|it| it.starts_with("PowerState/"));
    if let Some(power) = statuses.and_then(|all| all.iter().find(power)) {
        row["properties"]["extended"] = json!({"instanceView": {"powerState": power}});
    }
    json!({"id": id, "name": row["name"], "type": type_of(resource), "kind": row["kind"], "location": row["location"],
        "resourceGroup": between(&format!("{id}/"), "/resourceGroups/", "/"), "subscriptionId": subscription_of(id),
        "tags": row["tags"], "sku": row["sku"], "zones": row["zones"], "properties": row["properties"]})
}

fn subscription((id, name): (&String, &String)) -> Value {
    json!({"id": format!("/subscriptions/{id}"), "subscriptionId": id, "displayName": name, "state": "Enabled"})
}

fn id_of(resource: &Value) -> &str {
    resource["id"].as_str().unwrap_or_default()
}

fn type_of(resource: &Value) -> String {
    resource["type"].as_str().unwrap_or_default().to_lowercase()
}

fn subscription_of(id: &str) -> String {
    id.split('/').skip_while(|it| !it.eq_ignore_ascii_case("subscriptions")).nth(1).unwrap_or_default().to_lowercase()
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let Some((_, rest)) = text.split_once(start) else { return "" };
    rest.split_once(end).map_or(rest, |(inner, _)| inner)
}

fn query(request: &Request, name: &str) -> String {
    let mut pairs = request.url.query_pairs();
    pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn percent_decoded(path: &str) -> String {
    let pair = format!("p={}", path.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
