//! Requests to Azure Resource Manager: signed, retried within a budget, read-only.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};
use url::Url;

use super::cloud::Endpoint;
use super::failure::Failure;
use super::identity::Hidden;
use super::retry;
use super::token::Tokens;
use super::transport;
use crate::source::Reason;

/// Requests that are on their way at one time.
const WIDTH: usize = 16;
/// Resource Graph serves 15 queries in 5 s to an identity; more at one time only wait there.
const GRAPH_WIDTH: usize = 3;
/// How often an answer is asked for again that came, but is not what it should be.
const DAMAGED_TRIES: u32 = 3;
/// How often a connection is tried that is refused at once.
const CONNECT_TRIES: u32 = 4;

/// What a request is made for; requests are counted by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Subscriptions,
    ResourceGraph,
    Lists,
    JustInTime,
    Gateways,
    Metrics,
    Sessions,
    References,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Subscriptions => "subscriptions",
            Self::ResourceGraph => "Resource Graph",
            Self::Lists => "lists",
            Self::JustInTime => "just-in-time policies",
            Self::Gateways => "gateways",
            Self::Metrics => "metrics",
            Self::Sessions => "sessions",
            Self::References => "references",
        })
    }
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    step: Step,
    method: Method,
    url: Url,
    body: Option<String>,
}

impl Call {
    pub(crate) fn get(step: Step, url: Url) -> Self {
        Self { step, method: Method::GET, url, body: None }
    }

    /// A POST that reads: with a JSON body (Resource Graph), or without (an action).
    pub(crate) fn post(step: Step, url: Url, body: Option<String>) -> Self {
        Self { step, method: Method::POST, url, body }
    }

    /// Whether it only reads, and nothing that is secret. This is the one gate through which every request passes.
    fn only_reads(&self) -> bool {
        let path = self.url.path().trim_end_matches('/').to_ascii_lowercase();
        let last = path.rsplit('/').next().unwrap_or_default();
        match self.method {
            Method::GET => !matches!(last, "sharedkey" | "listradiussecrets" | "listkeys"),
            Method::POST => {
                path.ends_with("/providers/microsoft.resourcegraph/resources")
                    || (last == "getvpnclientconnectionhealth" && path.contains("/virtualnetworkgateways/"))
                    || (last == "getp2svpnconnectionhealth" && path.contains("/p2svpngateways/"))
            }
            _ => false,
        }
    }
}

/// An answer with a status below 300.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Where it came from: what a relative link in it refers to.
    pub(crate) url: Url,
}

impl Answer {
    /// A header's value, where it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// One client for one run.
pub(crate) struct Client {
    http: reqwest::Client,
    endpoint: Endpoint,
    tokens: Tokens,
    budget: Duration,
    width: Semaphore,
    graph_width: Semaphore,
    /// Until when Resource Graph's quota is used up.
    graph_quota: Mutex<Option<Instant>>,
    counts: Mutex<BTreeMap<Step, u64>>,
}

/// What one try came to.
enum Try<T> {
    Done(T),
    /// 401: a new token may help, once.
    Refused(Failure, Hidden),
    /// Ask again, after the wait that Azure named.
    Again(Failure, Option<Duration>),
    Never(Failure),
}

impl Client {
    /// `budget`: how long one request may take with all its retries.
    pub(crate) fn new(endpoint: Endpoint, tokens: Tokens, budget: Duration) -> Result<Self, reqwest::Error> {
        Ok(Self {
            http: transport::builder(endpoint.is_loopback()).build()?,
            endpoint,
            tokens,
            // No clock overflows by adding a day.
            budget: budget.min(Duration::from_secs(24 * 60 * 60)),
            width: Semaphore::new(WIDTH),
            graph_width: Semaphore::new(GRAPH_WIDTH),
            graph_quota: Mutex::new(None),
            counts: Mutex::new(BTreeMap::new()),
        })
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn budget(&self) -> Duration {
        self.budget
    }

    /// How many requests each step took, retries included.
    pub(crate) fn counts(&self) -> Vec<(String, u64)> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(step, count)| (step.to_string(), *count)).collect()
    }

    /// Signs in, before anything else is asked.
    pub(crate) async fn sign_in(&self) -> Result<(), azure_core::Error> {
        self.tokens.get(None).await.map(drop)
    }

    /// The answer's body, parsed.
    pub(crate) async fn read<T>(
        &self,
        call: Call,
        parse: impl Fn(&str) -> Result<T, String> + Send + Sync,
    ) -> Result<T, Failure> {
        self.send(call, |answer| {
            let text = std::str::from_utf8(&answer.body).map_err(|_| "it is not UTF-8".to_owned())?;
            parse(text.trim_start_matches('\u{feff}'))
        })
        .await
    }

    /// Sends a request until it is answered, the answer can be used, or the budget is spent.
    pub(crate) async fn send<T>(
        &self,
        call: Call,
        parse: impl Fn(&Answer) -> Result<T, String> + Send + Sync,
    ) -> Result<T, Failure> {
        if !call.only_reads() {
            let detail = format!("{} {} is not a read, and is never sent", call.method, call.url.path());
            return Err(Failure::new(Reason::Forbidden, detail));
        }
        if !self.endpoint.trusts(&call.url) {
            let origin = call.url.origin().ascii_serialization();
            return Err(Failure::new(Reason::Unreachable, format!("a token is not sent to {origin}")));
        }
        // Waiting for one's turn is not part of the budget; a request that Azure holds off keeps its turn, which
        // holds off the ones behind it.
        let graph = call.step == Step::ResourceGraph;
        // The semaphores are never closed.
        let _turn = if graph { &self.graph_width } else { &self.width }.acquire().await.ok();
        let spent = *self.graph_quota.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = spent.filter(|_| graph) {
            sleep_until(until.min(Instant::now() + self.budget)).await;
        }
        let started = Instant::now();
        let deadline = started + self.budget;
        let (mut tries, mut refused, mut answer) = (0, None::<Hidden>, None::<Failure>);
        loop {
            tries += 1;
            let again = match self.once(&call, refused.as_ref(), deadline, &parse).await {
                Try::Done(value) => return Ok(value),
                Try::Refused(_, token) if refused.is_none() => {
                    tracing::debug!(path = call.url.path(), "token refused, asking for a new one");
                    refused = Some(token);
                    continue;
                }
                Try::Refused(failure, _) | Try::Never(failure) => return Err(failure),
                Try::Again(failure, wait) => (failure, wait),
            };
            let (mut failure, asked) = again;
            let enough = match failure.reason {
                Reason::Damaged => tries >= DAMAGED_TRIES,
                _ => failure.detail.starts_with(NO_CONNECTION) && tries >= CONNECT_TRIES,
            };
            // "At once" is believed a few times.
            let least = tries.checked_sub(BELIEVED_TRIES).map_or(Duration::ZERO, retry::backoff);
            let wait = asked.map_or_else(|| retry::backoff(tries + 1), |asked| asked.max(least));
            if failure.status.is_some() {
                answer = Some(failure.clone());
            }
            if enough || Instant::now() + wait >= deadline {
                // What Azure said last tells more than that it fell silent in the end.
                if let Some(answer) = answer.filter(|_| failure.status.is_none()) {
                    failure = answer;
                }
                failure.detail = give_up(&failure.detail, tries, started.elapsed(), asked);
                return Err(failure);
            }
            tracing::debug!(path = call.url.path(), ?wait, reason = %failure, "asking again");
            sleep_until(Instant::now() + wait).await;
        }
    }

    async fn once<T>(
        &self,
        call: &Call,
        refused: Option<&Hidden>,
        deadline: Instant,
        parse: &(impl Fn(&Answer) -> Result<T, String> + Send + Sync),
    ) -> Try<T> {
        let token = match self.tokens.get(refused).await {
            Ok(token) => token,
            Err(error) => {
                return Try::Never(Failure::new(Reason::Forbidden, format!("the token could not be renewed: {error}")));
            }
        };
        // One try that hangs leaves room for others.
        let limit = (self.budget / 3).max(Duration::from_secs(10));
        let answer = match timeout_at(deadline, self.exchange(call, &token, limit)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(again)) => return again,
            Err(_) => return Try::Again(Failure::new(Reason::Unreachable, "no answer"), None),
        };
        let status = answer.status;
        if (200..300).contains(&status) {
            if let Some(failure) = Failure::in_success(&answer.body) {
                return if failure.reason == Reason::Forbidden {
                    Try::Never(failure)
                } else {
                    Try::Again(failure, None)
                };
            }
            return match parse(&answer) {
                Ok(value) => Try::Done(value),
                Err(problem) => {
                    Try::Again(Failure::new(Reason::Damaged, format!("the answer cannot be used: {problem}")), None)
                }
            };
        }
        let mut failure = match status {
            300..400 => {
                Failure::new(Reason::Unreachable, format!("HTTP {status}: a redirect, which is never followed"))
            }
            _ => Failure::answer(status, &answer.body),
        };
        if !token.0.is_empty() {
            // A server that echoes its request must not bring the token into a report.
            failure.detail = failure.detail.replace(token.0.as_str(), "***");
        }
        if status == 401 {
            return Try::Refused(failure, token);
        }
        if !retry::is_passing(status) {
            return Try::Never(failure);
        }
        let wait = retry::asked(status, &answer.headers, &failure.detail);
        Try::Again(failure, wait)
    }

    /// One HTTP exchange, within `limit`.
    async fn exchange<T>(&self, call: &Call, token: &Hidden, limit: Duration) -> Result<Answer, Try<T>> {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(call.step).or_default() += 1;
        let started = Instant::now();
        let request = self.http.request(call.method.clone(), call.url.clone()).bearer_auth(&token.0).timeout(limit);
        let request = match &call.body {
            Some(body) => request.header(CONTENT_TYPE, "application/json").body(body.clone()),
            None if call.method == Method::POST => request.header(CONTENT_TYPE, "application/json").body(""),
            None => request,
        };
        let response = request.send().await.map_err(unanswered)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.map_err(unanswered)?.to_vec();
        let (step, method, path) = (call.step, &call.method, call.url.path());
        tracing::debug!(%step, %method, path, status, bytes = body.len(), took = ?started.elapsed(), "request");
        if let Some(wait) = retry::quota_spent(&headers).filter(|_| call.step == Step::ResourceGraph) {
            *self.graph_quota.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + wait);
        }
        Ok(Answer { status, headers, body, url: call.url.clone() })
    }
}

/// How often Azure's word is taken that asking again makes sense at once.
const BELIEVED_TRIES: u32 = 4;

const NO_CONNECTION: &str = "no connection";

fn unanswered<T>(error: reqwest::Error) -> Try<T> {
    let error = error.without_url();
    let what = match &error {
        it if it.is_timeout() => "no answer in time",
        it if it.is_connect() => NO_CONNECTION,
        it if it.is_body() || it.is_decode() => "the answer broke off",
        _ => "no answer",
    };
    let mut causes = Vec::new();
    let mut next = std::error::Error::source(&error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    let untrusted = causes.iter().any(|cause| cause.contains("certificate"));
    let detail = match causes.last() {
        Some(cause) => format!("{what}: {cause}"),
        None => what.to_owned(),
    };
    let failure = Failure::new(Reason::Unreachable, detail);
    // A certificate does not become good by asking again.
    if untrusted || error.is_builder() { Try::Never(failure) } else { Try::Again(failure, None) }
}

fn give_up(detail: &str, tries: u32, elapsed: Duration, asked: Option<Duration>) -> String {
    let seconds = elapsed.as_secs_f64();
    let tries = if tries == 1 { "1 try".to_owned() } else { format!("{tries} tries") };
    match asked.filter(|asked| !asked.is_zero()) {
        Some(asked) => {
            format!("{detail} (gave up after {tries} in {seconds:.1} s: Azure asked to wait {asked:?} more)")
        }
        None => format!("{detail} (gave up after {tries} in {seconds:.1} s)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: Method, path: &str) -> Call {
        let url = Url::parse(&format!("https://management.azure.com{path}")).unwrap();
        Call { step: Step::Lists, method, url, body: None }
    }

    const GATEWAY: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworkGateways/gw";

    #[test]
    fn reads_pass_the_gate() {
        assert!(call(Method::GET, GATEWAY).only_reads());
        assert!(call(Method::POST, "/providers/Microsoft.ResourceGraph/resources").only_reads());
        assert!(call(Method::POST, &format!("{GATEWAY}/getVpnClientConnectionHealth")).only_reads());
        let p2s = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/p2sVpnGateways/gw";
        assert!(call(Method::POST, &format!("{p2s}/getP2sVpnConnectionHealth")).only_reads());
    }

    #[test]
    fn nothing_else_passes_the_gate() {
        for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS] {
            assert!(!call(method.clone(), GATEWAY).only_reads(), "{method}");
        }
        for action in [
            "reset",
            "generatevpnprofile",
            "generatevpnclientpackage",
            "listRadiusSecrets",
            "getP2sVpnConnectionHealthDetailed",
            "",
        ] {
            assert!(!call(Method::POST, &format!("{GATEWAY}/{action}")).only_reads(), "{action}");
        }
        let connection = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/connections/c/sharedKey";
        assert!(!call(Method::GET, connection).only_reads());
    }
}
