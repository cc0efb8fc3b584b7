//! How many clients are connected to a gateway, against how many its SKU carries.
//!
//! SSTP and IKEv2/OpenVPN have limits of their own, and not every source tells the protocols apart. So a count is not
//! one share of a limit but a range of them: what is used at least, however the sessions divide, and at most. A share
//! that is reached at least is proven; one that is not even reached at most is excluded; between the two lies what
//! cannot be told. A minute of the metric in which a series has no value is a lower bound alone.

mod limits;
mod metric;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::schema::{Known, Unread, fact_enum, facts};
use crate::inventory::gateway::{Metric, SessionAnswer};
pub use limits::{Limits, Side};
use limits::{Load, Use, protocol};
use metric::{Minute, minutes};

fact_enum! {
    /// Where a number of sessions comes from.
    pub enum CountSource {
        /// `vpnClientConnectionHealth.vpnClientConnectionsCount` of the gateway's own GET: all protocols together.
        Gateway => "gateway",
        /// The rows of `getVpnClientConnectionHealth`.
        SessionAnswer => "sessionAnswer",
        /// The busiest minute of the metric `P2SConnectionCount`.
        Metric => "metric",
    }
}

fact_enum! {
    /// One of a gateway's limits.
    pub enum LimitKind {
        /// SSTP sessions.
        Sstp => "sstp",
        /// IKEv2 and OpenVPN sessions together.
        Ikev2OpenVpn => "ikev2OpenVpn",
        /// Sessions of whatever protocol (Virtual WAN).
        Together => "together",
    }
}

facts! {
    /// One source's number of sessions, at the moment that uses the limits most.
    pub struct SessionCount {
        /// The source.
        pub source: CountSource,
        /// The minute, RFC 3339; null: the moment of the reading.
        pub at: Option<String>,
        /// Sessions of all protocols, at least.
        pub total: i64,
        /// SSTP sessions; null where nothing tells the protocols of all sessions, or not all of these were counted.
        pub sstp: Option<i64>,
        /// IKEv2 and OpenVPN sessions; null where nothing tells the protocols of all sessions, or not all of these were
        /// counted.
        pub ikev2_open_vpn: Option<i64>,
    }

    /// How many clients are connected, judged against the limits. Every source counts for itself.
    pub struct Sessions {
        /// Sessions at the moment of the reading: the larger of the gateway's own count and the session answer.
        pub now: Known<i64>,
        /// Sessions in the busiest minute of the metric `P2SConnectionCount` (PT1M, Total, summed over instances), as far
        /// as its series have values.
        pub peak: Known<i64>,
        /// True where a source counts all sessions of some moment, whatever their limits are; else unread. Never false.
        pub complete: Known<bool>,
        /// Every source's number.
        pub counts: Vec<SessionCount>,
        /// The share of a limit that is used for certain, however the sessions divide into protocols; 1.0 is all of
        /// it, 0.0 where nothing is known.
        pub used_at_least: f64,
        /// The share of a limit that is used at most. Unread where no source counts all sessions of some moment, or a
        /// limit is not known.
        pub used_at_most: Known<f64>,
        /// True where the share is known exactly; else unread, with what is missing. Never false.
        pub known: Known<bool>,
        /// The limit that this share is of; null where nothing is known.
        pub tightest: Option<LimitKind>,
        /// The most certain use in words: `231 of 250 IKEv2/OpenVPN sessions (92 %)`; empty where nothing is known.
        pub used: String,
        /// Where that number comes from: `highest minute in the metric P2SConnectionCount, 2025-12-31T09:14Z`.
        pub source: String,
    }
}

/// What was read of one gateway's sessions.
#[derive(Clone, Copy, Debug)]
pub struct Readings<'a> {
    /// The gateway's name.
    pub gateway: &'a str,
    /// Its provisioning state: while it is Updating it gives no count.
    pub state: Option<&'a str>,
    /// The count of its own GET.
    pub health: Option<i64>,
    /// Session answers about it.
    pub answers: &'a [&'a SessionAnswer],
    /// Metrics about it, of whatever name.
    pub metrics: &'a [&'a Metric],
}

/// One source's sessions, judged.
struct Judged {
    source: CountSource,
    at: Option<String>,
    load: Load,
    used: Use,
    /// The largest total of the source, which need not be the moment that uses the limits most.
    peak: f64,
    at_most: Option<f64>,
    /// Whether all sessions of this moment were counted: SSTP, and the others.
    counted: (bool, bool),
    /// Whether the source counted all sessions of some moment, and so says how many there are at most.
    bounded: bool,
}

/// Judges every source for itself.
pub fn judge(readings: Readings<'_>, limits: &Limits) -> Sessions {
    let mut judged = Vec::new();
    let mut moment = |source, load: Load| {
        let used = limits.used_by(load);
        let at_most = used.at_most;
        let (peak, counted) = (load.total(), (true, true));
        judged.push(Judged { source, at: None, load, used, peak, at_most, counted, bounded: true });
    };
    if let Some(count) = readings.health.filter(|count| *count >= 0) {
        moment(CountSource::Gateway, Load { untold: count as f64, ..Load::default() });
    }
    for answer in readings.answers {
        let mut load = Load::default();
        for row in &answer.value {
            let prefix = row.vpn_connection_id.as_deref().and_then(|id| id.split_once('_'));
            load.add(prefix.and_then(|(prefix, _)| protocol(prefix)), 1.0);
        }
        moment(CountSource::SessionAnswer, load);
    }
    let mut trouble = None;
    for metric in readings.metrics.iter().filter(|it| it.name.value.eq_ignore_ascii_case("P2SConnectionCount")) {
        match minutes(metric) {
            Ok(minutes) => judged.extend(busiest(&minutes, limits)),
            Err(problem) => trouble = Some(problem),
        }
    }
    sum_up(readings, limits, &judged, trouble)
}

fn sum_up(readings: Readings<'_>, limits: &Limits, judged: &[Judged], trouble: Option<String>) -> Sessions {
    let largest = |metric: bool| {
        let mine = judged.iter().filter(|it| (it.source == CountSource::Metric) == metric);
        mine.map(|it| it.peak).max_by(f64::total_cmp).map(|it| it as i64)
    };
    let missing = Missing::of(readings, limits, trouble);
    let now = largest(false).ok_or_else(|| missing.count());
    let peak = largest(true).ok_or_else(|| missing.metric());

    let top = judged.iter().reduce(|top, it| if it.used.at_least > top.used.at_least { it } else { top });
    let used_at_least = top.map_or(0.0, |it| it.used.at_least);
    let complete = match judged {
        [] => Err(missing.everything()),
        // A source that counts a part says nothing against one that counts all, as if it were not there.
        _ if !judged.iter().any(|it| it.bounded) => Err(missing.values()),
        _ => Ok(true),
    };
    let used_at_most = match (&complete, judged.iter().map(|it| it.at_most).collect::<Option<Vec<f64>>>()) {
        (Err(unread), _) => Err(unread.clone()),
        (_, Some(shares)) => Ok(shares.into_iter().fold(0.0, f64::max)),
        (_, None) => Err(limits.unread().cloned().unwrap_or_else(|| missing.everything())),
    };
    let known = match &used_at_most {
        Ok(most) if *most <= used_at_least => Ok(true),
        Ok(_) => Err(missing.protocols()),
        Err(unread) => Err(unread.clone()),
    };
    Sessions {
        now,
        peak,
        complete,
        counts: judged.iter().map(|it| it.fact(limits)).collect(),
        used_at_least,
        used_at_most,
        known,
        tightest: top.and_then(|it| limits.tightest(it.load, it.used)),
        used: top.map(|it| limits.words(it.load, it.used)).unwrap_or_default(),
        source: top.map(Judged::source_words).unwrap_or_default(),
    }
}

/// What is missing of a gateway's sessions, and how to get it.
struct Missing<'a> {
    gateway: &'a str,
    /// How to get a count.
    get: &'static str,
    /// In brackets, why there is none; may be empty.
    why: &'static str,
    /// In brackets, why the metric is of no use; may be empty.
    trouble: String,
}

impl<'a> Missing<'a> {
    fn of(readings: Readings<'a>, limits: &Limits, trouble: Option<String>) -> Self {
        let updating = readings.state.is_some_and(|state| state.eq_ignore_ascii_case("Updating"));
        Self {
            gateway: readings.gateway,
            get: match limits {
                _ if updating => "read the gateway again once it is Succeeded",
                // Virtual WAN gives no session answer.
                _ if limits.sstp().is_none() => "add a GET of the gateway itself",
                _ => "add a GET of the gateway itself, or ask for its sessions with --sessions",
            },
            why: if updating { " (while it is Updating it gives none)" } else { "" },
            trouble: trouble.map(|it| format!(" ({it})")).unwrap_or_default(),
        }
    }

    fn count(&self) -> Unread {
        Unread::new(format!("the number of clients connected to `{}`{}", self.gateway, self.why), self.get)
    }

    fn metric(&self) -> Unread {
        let how = "add it with interval PT1M and aggregation Total, split by Protocol";
        Unread::new(format!("the metric P2SConnectionCount of `{}`{}", self.gateway, self.trouble), how)
    }

    /// Nothing was counted at all.
    fn everything(&self) -> Unread {
        let mut what = self.count().what;
        if !self.trouble.is_empty() {
            what = format!("{what}, nor a usable metric P2SConnectionCount{}", self.trouble);
        }
        let metric = "or its metric P2SConnectionCount (interval PT1M, aggregation Total, split by Protocol)";
        Unread::new(what, format!("{}, {metric}", self.get))
    }

    /// There are values, but never of all series.
    fn values(&self) -> Unread {
        let what = "a minute in which all series of the metric P2SConnectionCount";
        let what = format!("{what} of `{}` have a value (no value is not zero)", self.gateway);
        Unread::new(what, format!("{}, or read the metric again", self.get))
    }

    /// There is a number, but not of which protocol.
    fn protocols(&self) -> Unread {
        let how = "add the metric P2SConnectionCount split by Protocol (interval PT1M, aggregation Total)";
        Unread::new(format!("the protocol of all sessions on `{}` (SSTP has a limit of its own)", self.gateway), how)
    }
}

impl Judged {
    fn fact(&self, limits: &Limits) -> SessionCount {
        let told = limits.told(self.load);
        SessionCount {
            source: self.source,
            at: self.at.clone(),
            total: self.load.total() as i64,
            sstp: told.filter(|_| self.counted.0).map(|load| load.sstp as i64),
            ikev2_open_vpn: told.filter(|_| self.counted.1).map(|load| load.other as i64),
        }
    }

    fn source_words(&self) -> String {
        let part = if self.counted == (true, true) { "" } else { " (not all of its series have a value there)" };
        match (self.source, &self.at) {
            (CountSource::Metric, Some(at)) => format!("highest minute in the metric P2SConnectionCount, {at}{part}"),
            (CountSource::Metric, None) => format!("highest minute in the metric P2SConnectionCount{part}"),
            (CountSource::SessionAnswer, _) => "listed by getVpnClientConnectionHealth".into(),
            (CountSource::Gateway, _) => "counted by the gateway itself".into(),
        }
    }
}

/// The minute that uses the limits most; the earliest of several.
fn busiest(minutes: &BTreeMap<i64, Minute>, limits: &Limits) -> Option<Judged> {
    let judged = minutes.iter().map(|(at, minute)| (*at, minute.load, limits.used_by(minute.load)));
    let all: Vec<(i64, Load, Use)> = judged.collect();
    // Each kind of sessions has a limit of its own, so each needs a complete minute of its own.
    let complete = || minutes.values().map(|minute| limits.complete(*minute));
    let bounded = complete().any(|(sstp, _)| sstp) && complete().any(|(_, other)| other);
    let at_most = all.iter().map(|(.., used)| used.at_most).collect::<Option<Vec<f64>>>();
    let peak = all.iter().map(|(_, load, _)| load.total()).fold(0.0, f64::max);
    // Where no limit is known, the fullest minute speaks.
    let rank = |it: &(i64, Load, Use)| (it.2.at_least, it.1.total());
    let (minute, load, used) = all.into_iter().reduce(|top, it| if rank(&it) > rank(&top) { it } else { top })?;
    let at_most = at_most.map(|shares| shares.into_iter().fold(0.0, f64::max));
    let counted = limits.complete(*minutes.get(&minute)?);
    Some(Judged { source: CountSource::Metric, at: minute_text(minute), load, used, peak, at_most, counted, bounded })
}

/// RFC 3339 of a minute since 1970.
fn minute_text(minute: i64) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp(minute * 60).ok()?;
    let (date, time) = (at.date(), at.time());
    Some(format!("{date}T{:02}:{:02}Z", time.hour(), time.minute()))
}
