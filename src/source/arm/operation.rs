//! Long-running operations: an action is accepted, and its result is fetched from where the answer points.

use serde_json::Value;
use tokio::time::{Duration, Instant, sleep_until};
use url::Url;

use super::client::{Answer, Call, Client, Step};
use super::failure::{Failure, member};
use super::retry;
use crate::source::Reason;

/// Where an operation stands.
enum State {
    /// It has a result: JSON text.
    Done(String),
    /// Ask there again, after that wait.
    Running { at: Url, kind: Poll, wait: Option<Duration> },
    /// It is over, and its result stands there.
    ResultAt(Url),
    /// It ended badly.
    Failed(Failure),
}

/// What the answer of a poll means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Poll {
    /// 202 while it runs, then the result itself.
    Location,
    /// 200 with a `status`.
    Status,
}

/// Runs an action that reads and returns its result's text. All polls together stay within the client's budget.
pub(super) async fn run(client: &Client, step: Step, url: Url) -> Result<String, Failure> {
    let deadline = Instant::now() + client.budget();
    let started =
        client.send(Call::post(step, url, None), |answer| Ok(state(client, answer, Poll::Location, None))).await;
    let mut state_now = started?;
    let mut polls: u32 = 0;
    // The place of the result, which the first answer may name beside that of the status.
    let mut result_at = None;
    loop {
        let (at, kind, wait) = match state_now {
            State::Done(text) => return Ok(text),
            State::Failed(failure) => return Err(failure),
            State::ResultAt(at) => (at, Poll::Location, Some(Duration::ZERO)),
            State::Running { at, kind, wait } => (at, kind, wait),
        };
        polls += 1;
        // Without word from Azure: half a second, then ever longer.
        let wait = wait.unwrap_or_else(|| retry::backoff(polls + 1));
        let wait = if polls > 3 { wait.max(Duration::from_millis(100)) } else { wait };
        if Instant::now() + wait >= deadline {
            let detail = format!("the operation was still running after {polls} polls in {:?}", client.budget());
            return Err(Failure::new(Reason::Unreachable, detail));
        }
        sleep_until(Instant::now() + wait).await;
        if kind == Poll::Location {
            result_at = Some(at.clone());
        }
        let place = result_at.clone();
        let poll = client.send(Call::get(step, at), move |answer| Ok(state(client, answer, kind, place.as_ref())));
        state_now = poll.await?;
    }
}

/// What an answer says about the operation.
fn state(client: &Client, answer: &Answer, kind: Poll, result_at: Option<&Url>) -> State {
    let text = String::from_utf8_lossy(&answer.body);
    let wait = retry::asked(answer.status, &answer.headers, "");
    if kind == Poll::Status {
        return status(&text, wait, &answer.url, result_at);
    }
    if answer.status != 202 {
        // A result may still carry a Location. It is over all the same.
        return State::Done(text.trim_start_matches('\u{feff}').to_owned());
    }
    let (link, kind) = match (answer.header("location"), answer.header("azure-asyncoperation")) {
        (Some(link), _) => (link, Poll::Location),
        (None, Some(link)) => (link, Poll::Status),
        // Some polls repeat nothing: the place stays.
        (None, None) => match result_at {
            Some(at) => return State::Running { at: at.clone(), kind: Poll::Location, wait },
            None => {
                return State::Failed(Failure::new(Reason::Damaged, "accepted, but no place for the result is named"));
            }
        },
    };
    match client.endpoint().follow(&answer.url, link) {
        Ok(at) => State::Running { at, kind, wait },
        Err(problem) => {
            let detail = format!("the place of the result is not followed: {problem}");
            State::Failed(Failure::new(Reason::Unreachable, detail))
        }
    }
}

/// What a status answer says: `{"status": "InProgress|Succeeded|Failed|Canceled", "properties": …, "error": …}`.
fn status(text: &str, wait: Option<Duration>, at: &Url, result_at: Option<&Url>) -> State {
    let damaged = |detail: String| State::Failed(Failure::new(Reason::Damaged, detail));
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return damaged(format!("the operation's status cannot be read: {error}")),
    };
    let status = member(&value, "status").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    match status.as_str() {
        "" => damaged("the operation's status has no `status`".into()),
        "succeeded" => {
            let properties = member(&value, "properties").filter(|it| it.is_object());
            let output = properties.and_then(|it| member(it, "output")).or(properties);
            match (result_at, output) {
                (Some(at), _) => State::ResultAt(at.clone()),
                (None, Some(output)) => State::Done(output.to_string()),
                (None, None) => damaged("the operation succeeded without a result".into()),
            }
        }
        "failed" | "canceled" | "cancelled" => {
            let failure = Failure::answer(500, text.as_bytes());
            State::Failed(Failure { detail: format!("the operation {status}: {}", failure.detail), ..failure })
        }
        _ => State::Running { at: at.clone(), kind: Poll::Status, wait },
    }
}
