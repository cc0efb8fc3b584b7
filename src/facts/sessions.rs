//! How many clients are connected to a gateway, against how many its SKU carries.
//!
//! SSTP and IKEv2/OpenVPN have limits of their own, and not every source tells the protocols apart. So a count is not
//! one share of a limit but a range of them: what is used at least, however the sessions divide, and at most. A share
//! that is reached at least is proven; one that is not even reached at most is excluded; between the two lies what
//! cannot be told.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::schema::{Known, Unread, fact_enum, facts};
use crate::inventory::gateway::{Metric, SessionAnswer, TimeSeries};

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
        /// Sessions of all protocols.
        pub total: i64,
        /// SSTP sessions; null where the source does not tell the protocols of all sessions.
        pub sstp: Option<i64>,
        /// IKEv2 and OpenVPN sessions; null where the source does not tell the protocols of all sessions.
        pub ikev2_open_vpn: Option<i64>,
    }

    /// How many clients are connected, judged against the limits. Every source counts for itself.
    pub struct Sessions {
        /// Sessions at the moment of the reading: the larger of the gateway's own count and the session answer.
        pub now: Known<i64>,
        /// Sessions in the busiest minute of the metric `P2SConnectionCount` (PT1M, Total, summed over instances).
        pub peak: Known<i64>,
        /// Every source's number.
        pub counts: Vec<SessionCount>,
        /// The share of a limit that is used for certain, however the sessions divide into protocols; 1.0 is all of
        /// it, 0.0 where nothing is known.
        pub used_at_least: f64,
        /// The share of a limit that is used at most. Unread without a source, or where a limit is not known.
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

/// One of the two limits of a gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// Whether sessions may be of this kind: the protocol is enabled, or nobody says which are.
    pub enabled: bool,
    /// How many there can be.
    pub limit: Known<u32>,
}

impl Side {
    fn share(&self, sessions: f64) -> Option<f64> {
        self.limit.as_ref().ok().map(|limit| sessions / f64::from(*limit))
    }
}

/// What a gateway carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Limits {
    /// SSTP, and beside it IKEv2 and OpenVPN together.
    ByProtocol {
        /// SSTP.
        sstp: Side,
        /// IKEv2 and OpenVPN.
        other: Side,
    },
    /// One limit for whatever protocol (Virtual WAN).
    Together(Known<u32>),
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

/// Sessions at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Load {
    sstp: f64,
    other: f64,
    /// Of a protocol that the source does not tell.
    untold: f64,
}

impl Load {
    fn total(self) -> f64 {
        self.sstp + self.other + self.untold
    }

    fn add(&mut self, protocol: Option<Protocol>, sessions: f64) {
        match protocol {
            Some(Protocol::Sstp) => self.sstp += sessions,
            Some(Protocol::Other) => self.other += sessions,
            None => self.untold += sessions,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Sstp,
    Other,
}

/// The limit that sessions of a protocol count against. Azure documents no spellings: words within the text decide.
fn protocol(text: &str) -> Option<Protocol> {
    let text = text.to_ascii_lowercase();
    let sstp = text.contains("sstp");
    let other = ["ike", "openvpn", "ovpn"].iter().any(|word| text.contains(word));
    match (sstp, other) {
        (true, false) => Some(Protocol::Sstp),
        (false, true) => Some(Protocol::Other),
        _ => None,
    }
}

/// How much of the limits a load uses.
#[derive(Clone, Debug, PartialEq)]
struct Use {
    at_least: f64,
    tightest: Option<LimitKind>,
    /// `None`: a limit that counts is not known.
    at_most: Option<f64>,
    words: String,
}

impl Limits {
    fn sides(&self) -> (Side, Side) {
        match self {
            Self::ByProtocol { sstp, other } => (sstp.clone(), other.clone()),
            Self::Together(limit) => {
                let nobody = Side { enabled: false, limit: Ok(1) };
                (nobody, Side { enabled: true, limit: limit.clone() })
            }
        }
    }

    /// The reason why a limit that counts is not known.
    fn unread(&self) -> Option<Unread> {
        let (sstp, other) = self.sides();
        [sstp, other].into_iter().filter(|side| side.enabled).find_map(|side| side.limit.err())
    }

    fn used_by(&self, load: Load) -> Use {
        let together = matches!(self, Self::Together(_));
        let load = if together { Load { other: load.total(), ..Load::default() } } else { load };
        let (sstp, other) = self.sides();
        // How many of the untold sessions may be SSTP.
        let (fewest, most) = match (sstp.enabled, other.enabled) {
            (true, false) => (load.untold, load.untold),
            (false, true) => (0.0, 0.0),
            _ => (0.0, load.untold),
        };
        let shares = |x: f64| (sstp.share(load.sstp + x), other.share(load.other + load.untold - x));
        let used = |x: f64| {
            let (sstp, other) = shares(x);
            sstp.unwrap_or(0.0).max(other.unwrap_or(0.0))
        };
        let mut splits = vec![fewest, most];
        if let (Ok(sstp), Ok(other)) = (&sstp.limit, &other.limit) {
            // The two shares are equal here; sessions are whole, so the best split is beside it.
            let (sstp, other) = (f64::from(*sstp), f64::from(*other));
            let even = (sstp * (load.other + load.untold) - other * load.sstp) / (sstp + other);
            splits.extend([even.floor(), even.ceil()].map(|x| x.clamp(fewest, most)));
        }
        let best = splits.into_iter().min_by(|a, b| used(*a).total_cmp(&used(*b))).unwrap_or(fewest);
        let counts = |side: &Side, sessions: f64| side.enabled || sessions > 0.0;
        let unknown =
            (counts(&sstp, load.sstp) && sstp.limit.is_err()) || (counts(&other, load.other) && other.limit.is_err());
        let (sstp_share, other_share) = shares(best);
        let second = if together { LimitKind::Together } else { LimitKind::Ikev2OpenVpn };
        let tightest = match (sstp_share, other_share) {
            (Some(sstp), Some(other)) if sstp > other => Some(LimitKind::Sstp),
            (_, Some(_)) => Some(second),
            (Some(_), None) => Some(LimitKind::Sstp),
            (None, None) => None,
        };
        let words = match (&sstp.limit, &other.limit, tightest) {
            (Ok(sstp), Ok(other), _) if fewest < most => format!(
                "{} sessions where {sstp} by SSTP and {other} by IKEv2/OpenVPN fit (at least {} % of one limit)",
                load.total(),
                (used(best) * 100.0 + 1e-9).floor()
            ),
            (Ok(limit), _, Some(LimitKind::Sstp)) => words(load.sstp + best, *limit, "SSTP"),
            (_, Ok(limit), Some(kind)) => {
                let kind = if kind == LimitKind::Together { "client" } else { "IKEv2/OpenVPN" };
                words(load.other + load.untold - best, *limit, kind)
            }
            _ => String::new(),
        };
        Use { at_least: used(best), tightest, at_most: (!unknown).then(|| used(fewest).max(used(most))), words }
    }
}

/// `231 of 250 IKEv2/OpenVPN sessions (92 %)`. Rounded down: 79.9 % is not 80 %.
fn words(sessions: f64, limit: u32, kind: &str) -> String {
    let percent = (sessions * 100.0 / f64::from(limit)).floor();
    format!("{sessions} of {limit} {kind} sessions ({percent} %)")
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
}

/// Judges every source for itself.
pub fn judge(readings: Readings<'_>, limits: &Limits) -> Sessions {
    let mut judged = Vec::new();
    let mut moment = |source, load: Load| {
        let used = limits.used_by(load);
        let at_most = used.at_most;
        judged.push(Judged { source, at: None, load, used, peak: load.total(), at_most });
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

fn sum_up(readings: Readings<'_>, limits: &Limits, judged: &[Judged], trouble: Option<Unread>) -> Sessions {
    let gateway = readings.gateway;
    let largest = |metric: bool| {
        let mine = judged.iter().filter(|it| (it.source == CountSource::Metric) == metric);
        mine.map(|it| it.peak).max_by(f64::total_cmp).map(|it| it as i64)
    };
    let no_metric = || {
        trouble.clone().unwrap_or_else(|| {
            let how = "add the metric P2SConnectionCount (interval PT1M, aggregation Total, split by Protocol)";
            Unread::new(format!("the busiest minute of `{gateway}`"), how)
        })
    };
    let updating = readings.state.is_some_and(|state| state.eq_ignore_ascii_case("Updating"));
    let no_count = || {
        let (why, when) = match updating {
            true => (", which is Updating and gives no count", " once it is Succeeded"),
            false => ("", ""),
        };
        let get = format!("add a GET of the gateway itself{when}");
        // A session answer exists for gateways of a virtual network.
        let how = match limits {
            Limits::ByProtocol { .. } => format!("{get}, or ask for its sessions with --sessions"),
            Limits::Together(_) => get,
        };
        Unread::new(format!("how many clients are connected to `{gateway}`{why}"), how)
    };
    let now = largest(false).ok_or_else(no_count);
    let peak = largest(true).ok_or_else(no_metric);

    let top = judged.iter().reduce(|top, it| if it.used.at_least > top.used.at_least { it } else { top });
    let used_at_least = top.map_or(0.0, |it| it.used.at_least);
    let unlimited = || limits.unread().unwrap_or_else(|| Unread::new("a session limit", "add the gateway's SKU"));
    let used_at_most = match judged.iter().map(|it| it.at_most).collect::<Option<Vec<f64>>>() {
        _ if judged.is_empty() => Err(no_data(&now, &peak)),
        Some(shares) => Ok(shares.into_iter().fold(0.0, f64::max)),
        None => Err(unlimited()),
    };
    let known = match &used_at_most {
        Ok(most) if *most <= used_at_least => Ok(true),
        Ok(_) => Err(Unread::new(
            format!("how many of the sessions on `{gateway}` are SSTP, which has a limit of its own"),
            "add the metric P2SConnectionCount split by Protocol (interval PT1M, aggregation Total), or ask with --sessions",
        )),
        Err(unread) => Err(unread.clone()),
    };
    Sessions {
        now,
        peak,
        counts: judged.iter().map(Judged::fact).collect(),
        used_at_least,
        used_at_most,
        known,
        tightest: top.and_then(|it| it.used.tightest),
        used: top.map(|it| it.used.words.clone()).unwrap_or_default(),
        source: top.map(Judged::source_words).unwrap_or_default(),
    }
}

/// Nothing was read: both halves of why.
fn no_data(now: &Known<i64>, peak: &Known<i64>) -> Unread {
    match (now, peak) {
        (Err(now), Err(peak)) => {
            Unread::new(format!("{}, and {}", now.what, peak.what), format!("{}; or {}", now.how, peak.how))
        }
        _ => Unread::new("the sessions", "add a GET of the gateway itself"),
    }
}

impl Judged {
    fn fact(&self) -> SessionCount {
        let told = self.load.untold == 0.0;
        SessionCount {
            source: self.source,
            at: self.at.clone(),
            total: self.load.total() as i64,
            sstp: told.then_some(self.load.sstp as i64),
            ikev2_open_vpn: told.then_some(self.load.other as i64),
        }
    }

    fn source_words(&self) -> String {
        match (self.source, &self.at) {
            (CountSource::Metric, Some(at)) => format!("highest minute in the metric P2SConnectionCount, {at}"),
            (CountSource::Metric, None) => "highest minute in the metric P2SConnectionCount".into(),
            (CountSource::SessionAnswer, _) => "listed by getVpnClientConnectionHealth".into(),
            (CountSource::Gateway, _) => "counted by the gateway itself".into(),
        }
    }
}

/// The minute that uses the limits most; the earliest of several.
fn busiest(minutes: &BTreeMap<i64, Load>, limits: &Limits) -> Option<Judged> {
    let judged = minutes.iter().map(|(minute, load)| (*minute, *load, limits.used_by(*load)));
    let all: Vec<(i64, Load, Use)> = judged.collect();
    let at_most = all.iter().map(|(.., used)| used.at_most).collect::<Option<Vec<f64>>>();
    let peak = all.iter().map(|(_, load, _)| load.total()).fold(0.0, f64::max);
    // Where no limit is known, the fullest minute speaks.
    let rank = |it: &(i64, Load, Use)| (it.2.at_least, it.1.total());
    let (minute, load, used) = all.into_iter().reduce(|top, it| if rank(&it) > rank(&top) { it } else { top })?;
    let at_most = at_most.map(|shares| shares.into_iter().fold(0.0, f64::max));
    Some(Judged { source: CountSource::Metric, at: minute_text(minute), load, used, peak, at_most })
}

/// Sessions for each minute (since 1970), instances added up; or why the metric cannot be used.
///
/// A point without a total says nothing, which is not zero. A grain coarser than a minute adds the minutes up and so
/// counts a session several times.
fn minutes(metric: &Metric) -> Result<BTreeMap<i64, Load>, Unread> {
    if let Some(code) = metric.error_code.as_deref().filter(|it| !it.is_empty() && !it.eq_ignore_ascii_case("Success"))
    {
        let what = format!("the metric P2SConnectionCount, for which Azure answered `{code}`");
        return Err(Unread::new(what, "ask for it again (interval PT1M, aggregation Total)"));
    }
    if is_coarse(metric) {
        let what = "the metric P2SConnectionCount in minutes: what was saved is coarser and adds the minutes up";
        return Err(Unread::new(what, "ask for it again with interval PT1M, aggregation Total"));
    }
    let mut minutes: BTreeMap<i64, Load> = BTreeMap::new();
    for series in &metric.timeseries {
        let mut dimensions = series.metadatavalues.iter();
        let named = dimensions.find(|it| it.name.value.eq_ignore_ascii_case("protocol"));
        let protocol = named.and_then(|it| it.value.as_deref()).and_then(protocol);
        for point in &series.data {
            let Some(at) = point.time_stamp.as_deref().and_then(seconds) else { continue };
            let Some(total) = point.total.filter(|it| it.is_finite() && *it >= 0.0) else { continue };
            minutes.entry(at.div_euclid(60)).or_default().add(protocol, total);
        }
    }
    if minutes.is_empty() {
        let what = "the metric P2SConnectionCount, which holds no value";
        return Err(Unread::new(what, "ask for it over a longer time (interval PT1M, aggregation Total)"));
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
    let times: std::collections::BTreeSet<i64> = times.collect();
    times.iter().zip(times.iter().skip(1)).map(|(a, b)| b - a).min()
}

/// Seconds since 1970. Some tools leave the offset out, which means UTC, or print a blank instead of `T`.
fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let parse = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp);
    parse(text).or_else(|| {
        let text = text.replacen(' ', "T", 1);
        parse(&text).or_else(|| parse(&format!("{text}Z")))
    })
}

fn minute_text(minute: i64) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp(minute * 60).ok()?;
    let (date, time) = (at.date(), at.time());
    Some(format!("{date}T{:02}:{:02}Z", time.hour(), time.minute()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::lenient;
    use serde_json::{Value, json};

    fn side(limit: Option<u32>) -> Side {
        Side { enabled: true, limit: limit.ok_or_else(|| Unread::new("the limit", "wait")) }
    }

    fn only(side: Side) -> (Side, Side) {
        (side.clone(), Side { enabled: false, ..side })
    }

    /// VpnGw1AZ with SSTP and IKEv2.
    fn both() -> Limits {
        Limits::ByProtocol { sstp: side(Some(128)), other: side(Some(250)) }
    }

    /// VpnGw1AZ without SSTP.
    fn without_sstp() -> Limits {
        let (other, _) = only(side(Some(250)));
        Limits::ByProtocol { sstp: Side { enabled: false, limit: Ok(128) }, other }
    }

    fn only_sstp() -> Limits {
        Limits::ByProtocol { sstp: side(Some(128)), other: Side { enabled: false, limit: Ok(250) } }
    }

    #[derive(Default)]
    struct Read {
        health: Option<i64>,
        answers: Vec<Value>,
        metrics: Vec<Value>,
    }

    impl Read {
        fn judge(&self, limits: &Limits) -> Sessions {
            let answers: Vec<SessionAnswer> =
                self.answers.iter().map(|it| lenient::from_str(&it.to_string()).unwrap()).collect();
            let metrics: Vec<Metric> =
                self.metrics.iter().map(|it| lenient::from_str(&it.to_string()).unwrap()).collect();
            let (answers, metrics): (Vec<_>, Vec<_>) = (answers.iter().collect(), metrics.iter().collect());
            let Self { health, .. } = *self;
            judge(Readings { gateway: "gw1", state: None, health, answers: &answers, metrics: &metrics }, limits)
        }
    }

    fn health(count: i64, limits: &Limits) -> Sessions {
        Read { health: Some(count), ..Read::default() }.judge(limits)
    }

    fn answer(ids: &[&str], limits: &Limits) -> Sessions {
        let rows: Vec<Value> = ids.iter().map(|id| json!({"vpnConnectionId": id})).collect();
        Read { answers: vec![json!({"value": rows})], ..Read::default() }.judge(limits)
    }

    fn metric(series: &[(&[(&str, &str)], &[(&str, Option<f64>)])]) -> Value {
        let series = series.iter().map(|(dimensions, points)| {
            let dimensions: Vec<Value> =
                dimensions.iter().map(|(name, value)| json!({"name": {"value": name}, "value": value})).collect();
            let points: Vec<Value> = points
                .iter()
                .map(|(time, total)| match total {
                    Some(total) => json!({"timeStamp": format!("2025-12-31T{time}Z"), "total": total}),
                    None => json!({"timeStamp": format!("2025-12-31T{time}Z")}),
                })
                .collect();
            json!({"metadatavalues": dimensions, "data": points})
        });
        json!({"name": {"value": "P2SConnectionCount"}, "timeseries": series.collect::<Vec<_>>(), "errorCode": "Success"})
    }

    fn metrics(metric: Value, limits: &Limits) -> Sessions {
        Read { metrics: vec![metric], ..Read::default() }.judge(limits)
    }

    /// At least and at most, where both are known.
    fn range(sessions: &Sessions) -> (f64, f64) {
        (sessions.used_at_least, sessions.used_at_most.clone().unwrap())
    }

    #[test]
    fn one_protocol_counts_against_its_own_limit() {
        assert_eq!(range(&health(200, &without_sstp())), (0.8, 0.8));
        assert_eq!(range(&health(250, &without_sstp())), (1.0, 1.0));
        assert_eq!(range(&health(128, &only_sstp())), (1.0, 1.0));
        assert_eq!(health(199, &without_sstp()).known, Ok(true));
    }

    #[test]
    fn a_total_of_both_kinds_is_a_range_over_whole_sessions() {
        // At the limit: 377 cannot divide into 127 and 249.
        assert!(health(376, &both()).used_at_least < 1.0);
        assert!(health(377, &both()).used_at_least >= 1.0);
        // At 80 %: 301 divides into 102 and 199, and 302 does not.
        assert!(health(301, &both()).used_at_least < 0.8);
        assert!(health(302, &both()).used_at_least >= 0.8);
        // All of them may be SSTP.
        assert_eq!(health(102, &both()).used_at_most, Ok(102.0 / 128.0));
        assert!(health(102, &both()).known.is_err());
    }

    #[test]
    fn the_range_is_that_of_all_splits() {
        for total in 0..500_u32 {
            let (least, most) = range(&health(total.into(), &both()));
            let used = |x: u32| (f64::from(x) / 128.0).max(f64::from(total - x) / 250.0);
            let all = (0..=total).map(used);
            assert_eq!(least, all.clone().fold(f64::INFINITY, f64::min), "{total}");
            assert_eq!(most, all.fold(0.0, f64::max), "{total}");
        }
    }

    #[test]
    fn session_rows_tell_their_protocol_by_the_prefix_of_their_id() {
        let sessions = answer(&["IKEv2_1", "OVPN_2", "ikev2_3", "SSTP_4"], &both());
        assert_eq!((sessions.counts[0].sstp, sessions.counts[0].ikev2_open_vpn), (Some(1), Some(3)));
        assert_eq!((sessions.known, sessions.now), (Ok(true), Ok(4)));
        // A protocol after the prefix proves nothing.
        let sessions = answer(&["X_SSTP", "IKEv2_1"], &both());
        assert_eq!((sessions.counts[0].sstp, sessions.counts[0].total), (None, 2));
        assert!(sessions.known.is_err());
    }

    #[test]
    fn an_empty_session_answer_is_nobody_and_no_answer_is_nothing() {
        assert_eq!(range(&answer(&[], &without_sstp())), (0.0, 0.0));
        let nothing = Read::default().judge(&without_sstp());
        let unread = nothing.used_at_most.unwrap_err();
        assert!(unread.what.contains("gw1") && unread.how.contains("--sessions"), "{unread:?}");
        assert_eq!(nothing.known, Err(unread));
    }

    #[test]
    fn instances_add_up_within_a_minute_only() {
        let limits = without_sstp();
        let same: &[(&str, Option<f64>)] = &[("09:14:00", Some(120.0)), ("09:15:00", Some(1.0))];
        let other: &[(&str, Option<f64>)] = &[("09:14:00", Some(80.0)), ("09:15:00", Some(1.0))];
        let later: &[(&str, Option<f64>)] = &[("09:14:00", Some(1.0)), ("09:15:00", Some(80.0))];
        let (zero, one): (&[_], &[_]) = (&[("Instance", "0")], &[("Instance", "1")]);
        let sessions = metrics(metric(&[(zero, same), (one, other)]), &limits);
        assert_eq!((sessions.used_at_least, sessions.peak), (0.8, Ok(200)));
        assert_eq!(sessions.source, "highest minute in the metric P2SConnectionCount, 2025-12-31T09:14Z");
        let sessions = metrics(metric(&[(zero, same), (one, later)]), &limits);
        assert_eq!((sessions.used_at_least, sessions.peak), (121.0 / 250.0, Ok(121)));
    }

    #[test]
    fn protocols_of_the_metric_are_read_in_any_letter_case() {
        let at: &[(&str, Option<f64>)] = &[("09:14:00", Some(100.0))];
        for (word, range_of_100) in [
            ("SSTP", (100.0 / 128.0, 100.0 / 128.0)),
            ("sstp", (100.0 / 128.0, 100.0 / 128.0)),
            ("IKEv2", (0.4, 0.4)),
            ("OPENVPN", (0.4, 0.4)),
            ("ovpn", (0.4, 0.4)),
        ] {
            assert_eq!(range(&metrics(metric(&[(&[("PROTOCOL", word)], at)]), &both())), range_of_100, "{word}");
        }
        let sessions = metrics(metric(&[(&[("protocol", "L2TP")], at)]), &both());
        assert_eq!(sessions.used_at_most, Ok(100.0 / 128.0));
        assert!(sessions.known.is_err());
    }

    #[test]
    fn a_point_without_a_total_is_no_value() {
        let limits = without_sstp();
        let sessions = metrics(metric(&[(&[], &[("09:13:00", None), ("09:14:00", Some(10.0))])]), &limits);
        assert_eq!(range(&sessions), (0.04, 0.04));
        let sessions = metrics(metric(&[(&[], &[("09:13:00", None), ("09:14:00", None)])]), &limits);
        assert!(sessions.used_at_most.is_err());
    }

    #[test]
    fn a_coarse_metric_is_not_trusted() {
        let limits = without_sstp();
        let minute: &[(&str, Option<f64>)] = &[("09:10:00", Some(10.0)), ("09:11:00", Some(10.0))];
        let five: &[(&str, Option<f64>)] = &[("09:10:00", Some(10.0)), ("09:15:00", Some(10.0))];
        assert!(metrics(metric(&[(&[], minute)]), &limits).used_at_most.is_ok());
        let unread = metrics(metric(&[(&[], five)]), &limits).used_at_most.unwrap_err();
        assert!(unread.what.contains("coarser") && unread.how.contains("PT1M"), "{unread:?}");
        let mut stated = metric(&[(&[], minute)]);
        stated["interval"] = json!("PT1M");
        assert!(metrics(stated.clone(), &limits).used_at_most.is_ok());
        stated["interval"] = json!("PT1H");
        assert!(metrics(stated, &limits).used_at_most.is_err());
    }

    #[test]
    fn a_refused_metric_is_no_data() {
        let mut metric = metric(&[(&[], &[("09:14:00", Some(10.0))])]);
        assert!(metrics(metric.clone(), &without_sstp()).used_at_most.is_ok());
        metric["errorCode"] = json!("Throttled");
        let unread = metrics(metric, &without_sstp()).used_at_most.unwrap_err();
        assert!(unread.what.contains("Throttled"), "{unread:?}");
    }

    #[test]
    fn every_source_counts_for_itself_and_the_largest_speaks() {
        let busy = metric(&[(&[], &[("09:14:00", Some(231.0))])]);
        let read = Read { health: Some(10), answers: vec![json!({"value": []})], metrics: vec![busy] };
        let sessions = read.judge(&without_sstp());
        assert_eq!(range(&sessions), (0.924, 0.924));
        assert_eq!(sessions.used, "231 of 250 IKEv2/OpenVPN sessions (92 %)");
        assert_eq!((sessions.now, sessions.peak, sessions.counts.len()), (Ok(10), Ok(231), 3));
    }

    #[test]
    fn an_unpublished_limit_is_unread_unless_the_other_one_is_exceeded() {
        let basic = Limits::ByProtocol { sstp: side(Some(128)), other: side(None) };
        assert!(health(3, &basic).used_at_most.is_err());
        assert_eq!(health(3, &basic).used_at_least, 0.0);
        let at: &[(&str, Option<f64>)] = &[("09:14:00", Some(128.0))];
        let sessions = metrics(metric(&[(&[("Protocol", "SSTP")], at)]), &basic);
        assert_eq!((sessions.used_at_least, sessions.used_at_most.is_err()), (1.0, true));
        assert_eq!(sessions.used, "128 of 128 SSTP sessions (100 %)");
        let sstp = Limits::ByProtocol { sstp: side(Some(128)), other: Side { enabled: false, ..side(None) } };
        assert_eq!(range(&health(64, &sstp)), (0.5, 0.5));
    }

    #[test]
    fn virtual_wan_has_one_limit_for_all_protocols() {
        let limits = Limits::Together(Ok(20_000));
        let at: &[(&str, Option<f64>)] = &[("09:14:00", Some(8_000.0))];
        let series = metric(&[(&[("Protocol", "IKEv2")], at), (&[("Protocol", "SSTP")], at)]);
        assert_eq!(range(&metrics(series, &limits)), (0.8, 0.8));
        assert_eq!(health(16_000, &limits).used, "16000 of 20000 client sessions (80 %)");
    }

    #[test]
    fn a_share_in_words_is_rounded_down() {
        assert_eq!(words(29.0, 100, "SSTP"), "29 of 100 SSTP sessions (29 %)");
        assert_eq!(words(199.0, 250, "SSTP"), "199 of 250 SSTP sessions (79 %)");
    }

    #[test]
    fn times_are_read_as_tools_print_them() {
        let expected = seconds("2025-12-31T09:14:00Z");
        for text in [
            "2025-12-31T09:14:00+00:00",
            "2025-12-31 09:14:00+00:00",
            "2025-12-31T09:14:00",
            "2025-12-31T10:14:00+01:00",
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
        assert_eq!(seconds("yesterday"), None);
    }
}
