//! What only a gateway itself says: its certificates and sessions for certain, and how many connected lately.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use time::format_description::well_known::Rfc3339;

use super::LiveOptions;
use super::client::{Call, Client, Step};
use super::failure::Failure;
use super::intake::Intake;
use super::lists;
use super::row::Row;
use super::{kinds, operation};
use crate::source::{Gap, Kind, Reason};

/// What is asked of each gateway.
#[derive(Clone, Debug)]
pub(super) struct Questions {
    /// `2026-01-01T00:00:00Z/2026-01-02T00:00:00Z`.
    timespan: String,
    sessions: bool,
}

impl Questions {
    pub(super) fn new(options: &LiveOptions) -> Self {
        let to = options.now.to_offset(time::UtcOffset::UTC).replace_nanosecond(0).unwrap_or(options.now);
        let window = time::Duration::try_from(options.metrics_window).unwrap_or(time::Duration::DAY);
        let from = to.checked_sub(window).unwrap_or(to);
        let text = |at: time::OffsetDateTime| at.format(&Rfc3339).unwrap_or_default();
        Self { timespan: format!("{}/{}", text(from), text(to)), sessions: options.sessions }
    }
}

/// The answers about one gateway.
pub(super) struct Answers {
    listed: Row,
    input: usize,
    own: Result<Row, Failure>,
    metrics: Result<Vec<String>, Failure>,
    sessions: Option<Result<String, Failure>>,
}

/// Asks about one gateway.
pub(super) async fn ask(client: Arc<Client>, questions: Questions, listed: Row, input: usize) -> Answers {
    let own = match listed.fresh {
        true => Ok(listed.clone()),
        false => lists::get(&client, Step::Gateways, &listed.id, &listed.ty).await,
    };
    let metrics = metrics(&client, &listed.id, &questions.timespan).await;
    let sessions = match questions.sessions {
        true => Some(sessions(&client, &listed).await),
        false => None,
    };
    Answers { listed, input, own, metrics, sessions }
}

/// Hands over what was answered. Without an answer of its own, a gateway stands as it was listed.
pub(super) fn take(answers: Answers, intake: &mut Intake<'_>) {
    let Answers { listed, input, own, metrics, sessions } = answers;
    let id = listed.id.clone();
    let resource = match own {
        Ok(row) => row,
        Err(failure) => {
            intake.gap(failure.gap(&id, "gateway"));
            listed
        }
    };
    let of_hub = resource.ty == kinds::P2S_GATEWAY;
    match sessions {
        Some(Ok(text)) => {
            // Virtual WAN answers with the gateway itself and the number of sessions in it. It goes first: of two
            // copies the first counts, and a plain GET may hold an older number.
            let kind = if of_hub { Kind::Resource } else { Kind::Sessions };
            intake.hand_over(input, kind, std::iter::once(text.as_str()), Some(&id));
        }
        Some(Err(failure)) => intake.gap(no_sessions(&failure, &id, of_hub)),
        None => {}
    }
    intake.hand_over(input, Kind::Resource, std::iter::once(resource.text.as_str()), None);
    match metrics {
        Ok(metrics) => intake.hand_over(input, Kind::Metric, metrics.iter().map(String::as_str), Some(&id)),
        Err(failure) => intake.gap(failure.gap(&id, "metrics")),
    }
}

fn no_sessions(failure: &Failure, id: &str, of_hub: bool) -> Gap {
    let mut gap = failure.gap(id, "sessions");
    if gap.reason == Reason::Forbidden {
        let action = match of_hub {
            true => "Microsoft.Network/p2sVpnGateways/getp2svpnconnectionhealth/action",
            false => "Microsoft.Network/virtualNetworkGateways/getvpnclientconnectionhealth/action",
        };
        gap.detail.push_str(&format!("; --sessions needs {action}, which Reader does not have"));
    }
    gap
}

/// Each metric of the answer, with an id that names the gateway.
async fn metrics(client: &Client, id: &str, timespan: &str) -> Result<Vec<String>, Failure> {
    #[derive(Deserialize)]
    struct Metrics<'a> {
        #[serde(borrow)]
        value: Vec<&'a RawValue>,
    }
    // Coarser grains than a minute would add the minutes up.
    let query = format!(
        "api-version={}&metricnames=P2SConnectionCount&timespan={timespan}&interval=PT1M&aggregation=Total&$filter=Protocol eq '*'",
        kinds::METRICS
    );
    let url = client.endpoint().url(&format!("{id}/providers/Microsoft.Insights/metrics"), &query);
    let parse = |text: &str| {
        let metrics: Metrics<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        metrics.value.into_iter().map(|metric| named(metric.get(), id)).collect::<Result<Vec<_>, _>>()
    };
    let metrics = client.read(Call::get(Step::Metrics, url), parse).await?;
    if metrics.is_empty() {
        return Err(Failure::new(Reason::Missing, "the answer has no metric P2SConnectionCount"));
    }
    let (good, bad): (Vec<_>, Vec<_>) = metrics.into_iter().partition(|(_, error)| error.is_none());
    match bad.into_iter().find_map(|(_, error)| error).filter(|_| good.is_empty()) {
        Some(error) => Err(Failure::new(Reason::Unreachable, format!("the metric has no values: {error}"))),
        None => Ok(good.into_iter().map(|(text, _)| text).collect()),
    }
}

/// A metric's text, and why it has no values if a 200 says so.
fn named(text: &str, gateway: &str) -> Result<(String, Option<String>), String> {
    let mut metric: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let Some(members) = metric.as_object_mut() else { return Err("a metric is no object".into()) };
    let code = members.get("errorCode").and_then(Value::as_str).filter(|code| !code.eq_ignore_ascii_case("Success"));
    let message = members.get("errorMessage").and_then(Value::as_str);
    let error = code.map(|code| message.map_or(code.to_owned(), |message| format!("{code}: {message}")));
    let id = members.get("id").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    if id.starts_with(&format!("{}/providers/microsoft.insights/", gateway.to_lowercase())) {
        return Ok((text.to_owned(), error));
    }
    let id = format!("{gateway}/providers/Microsoft.Insights/metrics/P2SConnectionCount");
    members.insert("id".into(), Value::from(id));
    Ok((metric.to_string(), error))
}

async fn sessions(client: &Client, gateway: &Row) -> Result<String, Failure> {
    let (action, member) = match gateway.ty == kinds::P2S_GATEWAY {
        true => ("getP2sVpnConnectionHealth", "id"),
        false => ("getVpnClientConnectionHealth", "value"),
    };
    let version = format!("api-version={}", kinds::api_version(&gateway.ty));
    let url = client.endpoint().url(&format!("{}/{action}", gateway.id), &version);
    let text = operation::run(client, Step::Sessions, url).await?;
    // An empty list means that nobody is connected; no list means that nobody knows.
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    if value.get(member).is_some_and(|it| it.is_array() || it.is_string()) {
        return Ok(text);
    }
    Err(Failure::new(Reason::Damaged, format!("the result has no `{member}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworkGateways/gw";

    #[test]
    fn a_metric_always_names_its_gateway() {
        let own = format!(r#"{{"id":"{GATEWAY}/providers/Microsoft.Insights/metrics/P2SConnectionCount"}}"#);
        assert_eq!(named(&own, GATEWAY).unwrap(), (own.clone(), None));
        for text in ["{}", r#"{"id":"metrics/P2SConnectionCount"}"#] {
            let (text, _) = named(text, GATEWAY).unwrap();
            assert_eq!(text, own);
        }
    }

    #[test]
    fn a_metric_may_say_that_it_has_no_values() {
        let text = r#"{"errorCode":"InternalError","errorMessage":"later"}"#;
        assert_eq!(named(text, GATEWAY).unwrap().1.as_deref(), Some("InternalError: later"));
        assert_eq!(named(r#"{"errorCode":"Success"}"#, GATEWAY).unwrap().1, None);
    }

    #[test]
    fn the_window_ends_now_and_has_whole_seconds() {
        let now = time::OffsetDateTime::parse("2026-01-02T03:04:05.678+01:00", &Rfc3339).unwrap();
        let questions = Questions::new(&LiveOptions { now, ..LiveOptions::default() });
        assert_eq!(questions.timespan, "2026-01-01T02:04:05Z/2026-01-02T02:04:05Z");
    }
}
