//! The metric `P2SConnectionCount`, minute by minute.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::limits::{Load, Protocol, protocol};
use crate::inventory::gateway::{Metric, TimeSeries};

/// One minute of the metric, instances added up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Minute {
    /// At least that many sessions.
    pub(super) load: Load,
    /// Whether a series that counts SSTP sessions, or may do so, has no value here.
    pub(super) lacks_sstp: bool,
    /// Whether a series that counts other sessions, or may do so, has no value here.
    pub(super) lacks_other: bool,
}

/// The minutes (since 1970) of which there is a value; or why the metric cannot be used.
///
/// A point without a total says nothing, which is not zero, and neither does a point that is not there. A grain coarser
/// than a minute adds the minutes up and so counts a session several times.
pub(super) fn minutes(metric: &Metric) -> Result<BTreeMap<i64, Minute>, String> {
    let refused = metric.error_code.as_deref().filter(|it| !it.is_empty() && !it.eq_ignore_ascii_case("Success"));
    if let Some(code) = refused {
        return Err(format!("Azure answered `{code}`"));
    }
    if is_coarse(metric) {
        return Err("what was saved is coarser than a minute, which adds the minutes up".into());
    }
    let mut minutes: BTreeMap<i64, Minute> = BTreeMap::new();
    let mut values: Vec<(Option<Protocol>, BTreeSet<i64>)> = Vec::new();
    for series in &metric.timeseries {
        let mut dimensions = series.metadatavalues.iter();
        let named = dimensions.find(|it| it.name.value.eq_ignore_ascii_case("protocol"));
        let protocol = named.and_then(|it| it.value.as_deref()).and_then(protocol);
        let mut mine = BTreeSet::new();
        for point in &series.data {
            let Some(at) = point.time_stamp.as_deref().and_then(seconds) else { continue };
            let Some(total) = point.total.filter(|it| it.is_finite() && *it >= 0.0) else { continue };
            let minute = at.div_euclid(60);
            minutes.entry(minute).or_default().load.add(protocol, total);
            mine.insert(minute);
        }
        values.push((protocol, mine));
    }
    for (protocol, values) in values {
        for (_, minute) in minutes.iter_mut().filter(|(at, _)| !values.contains(at)) {
            minute.lacks_sstp |= protocol != Some(Protocol::Other);
            minute.lacks_other |= protocol != Some(Protocol::Sstp);
        }
    }
    if minutes.is_empty() {
        return Err("it holds no value".into());
    }
    Ok(minutes)
}

fn is_coarse(metric: &Metric) -> bool {
    let stated = metric.interval.as_deref().map(str::trim).filter(|it| !it.is_empty());
    let minute = |it: &str| ["PT1M", "PT60S", "00:01:00"].iter().any(|minute| it.eq_ignore_ascii_case(minute));
    stated.is_some_and(|it| !minute(it)) || metric.timeseries.iter().filter_map(grain).min().is_some_and(|it| it >= 300)
}

/// The smallest distance between two points of a series, in seconds.
fn grain(series: &TimeSeries) -> Option<i64> {
    let times = series.data.iter().filter_map(|point| point.time_stamp.as_deref().and_then(seconds));
    let times: BTreeSet<i64> = times.collect();
    times.iter().zip(times.iter().skip(1)).map(|(a, b)| b - a).min()
}

/// Seconds since 1970. Some tools leave the offset out, which means UTC, or print a blank instead of `T`.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let parse = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp);
    parse(text).or_else(|| {
        let text = text.replacen(' ', "T", 1);
        parse(&text).or_else(|| parse(&format!("{text}Z")))
    })
}
