use super::limits::words;
use super::metric::seconds;
use super::*;
use crate::inventory::lenient;
use serde_json::{Value, json};

fn side(limit: Option<u32>) -> Side {
    Side { enabled: true, limit: limit.ok_or_else(|| Unread::new("the limit", "wait")) }
}

/// VpnGw1AZ with SSTP and IKEv2.
fn both() -> Limits {
    Limits::by_protocol(side(Some(128)), side(Some(250)))
}

/// VpnGw1AZ without SSTP.
fn without_sstp() -> Limits {
    Limits::by_protocol(Side { enabled: false, limit: Ok(128) }, side(Some(250)))
}

fn only_sstp() -> Limits {
    Limits::by_protocol(side(Some(128)), Side { enabled: false, limit: Ok(250) })
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
        let metrics: Vec<Metric> = self.metrics.iter().map(|it| lenient::from_str(&it.to_string()).unwrap()).collect();
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

/// The time of day, and the total.
type Point = (&'static str, Option<f64>);
/// The dimensions, and the points.
type Series<'a> = (&'a [(&'a str, &'a str)], &'a [Point]);

fn metric(series: &[Series<'_>]) -> Value {
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
    assert_eq!(health(102, &both()).counts[0].sstp, None);
    assert_eq!(health(102, &only_sstp()).counts[0].sstp, Some(102));
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
    let same: &[Point] = &[("09:14:00", Some(120.0)), ("09:15:00", Some(1.0))];
    let other: &[Point] = &[("09:14:00", Some(80.0)), ("09:15:00", Some(1.0))];
    let later: &[Point] = &[("09:14:00", Some(1.0)), ("09:15:00", Some(80.0))];
    let (zero, one): (&[_], &[_]) = (&[("Instance", "0")], &[("Instance", "1")]);
    let sessions = metrics(metric(&[(zero, same), (one, other)]), &limits);
    assert_eq!((sessions.used_at_least, sessions.peak), (0.8, Ok(200)));
    assert_eq!(sessions.source, "highest minute in the metric P2SConnectionCount, 2025-12-31T09:14Z");
    let sessions = metrics(metric(&[(zero, same), (one, later)]), &limits);
    assert_eq!((sessions.used_at_least, sessions.peak), (121.0 / 250.0, Ok(121)));
}

#[test]
fn protocols_of_the_metric_are_read_in_any_letter_case() {
    let at: &[Point] = &[("09:14:00", Some(100.0))];
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
fn a_minute_in_which_a_series_has_no_value_is_a_lower_bound_alone() {
    let (zero, one): (&[_], &[_]) = (&[("Instance", "0")], &[("Instance", "1")]);
    let most = |second: &[Point]| {
        let sessions = metrics(metric(&[(zero, &[("09:14:00", Some(240.0))]), (one, second)]), &without_sstp());
        assert!(sessions.used_at_least >= 0.96, "{second:?}");
        sessions.used_at_most
    };
    assert_eq!(most(&[("09:14:00", Some(0.0))]), Ok(0.96));
    let without: [&[Point]; 4] = [&[("09:14:00", None)], &[("09:15:00", Some(1.0))], &[], &[("09:14:00", Some(-1.0))]];
    for second in without {
        assert!(most(second).unwrap_err().what.contains("have a value"), "{second:?}");
    }
    // One complete minute is enough, and what the others show still counts.
    assert_eq!(most(&[("09:14:00", Some(10.0)), ("09:15:00", Some(230.0))]), Ok(1.0));
    let busy: &[Point] = &[("09:14:00", Some(1.0)), ("09:15:00", Some(240.0))];
    let sessions = metrics(metric(&[(zero, busy), (one, &[("09:14:00", Some(1.0))])]), &without_sstp());
    assert_eq!((range(&sessions), sessions.known), ((0.96, 0.96), Ok(true)));
    assert_eq!((sessions.counts[0].total, sessions.counts[0].ikev2_open_vpn), (240, None));
    assert!(sessions.source.contains("not all of its series"), "{}", sessions.source);
}

#[test]
fn each_kind_of_sessions_needs_a_complete_minute_of_its_own() {
    let most = |protocol: &str, limits: &Limits| {
        let (named, told): (&[_], &[_]) = (&[("Protocol", protocol)], &[("Protocol", "IKEv2")]);
        let series = metric(&[(named, &[("09:14:00", None)]), (told, &[("09:14:00", Some(10.0))])]);
        metrics(series, limits).used_at_most
    };
    for protocol in ["SSTP", "OpenVPN", "L2TP"] {
        assert!(most(protocol, &both()).is_err(), "{protocol}");
    }
    // A protocol that is not enabled has no sessions to miss.
    assert_eq!(most("SSTP", &without_sstp()), Ok(0.04));
    assert!(most("L2TP", &without_sstp()).is_err());
    let (sstp, other): (&[_], &[_]) = (&[("Protocol", "SSTP")], &[("Protocol", "IKEv2")]);
    let apart = metric(&[(sstp, &[("09:14:00", Some(64.0))]), (other, &[("09:15:00", Some(10.0))])]);
    assert_eq!(metrics(apart, &both()).used_at_most, Ok(0.5));
}

#[test]
fn a_metric_that_counts_a_part_says_nothing_against_a_count_of_all() {
    let (sstp, other): (&[_], &[_]) = (&[("Protocol", "SSTP")], &[("Protocol", "IKEv2")]);
    let part = metric(&[(sstp, &[("09:14:00", None)]), (other, &[("09:14:00", Some(200.0))])]);
    let read = |health| Read { health, answers: Vec::new(), metrics: vec![part.clone()] }.judge(&both());
    assert!(read(None).used_at_most.is_err());
    // What it did count is counted.
    assert_eq!(range(&read(Some(10))), (0.8, 0.8));
}

#[test]
fn a_coarse_metric_is_not_trusted() {
    let limits = without_sstp();
    let minute: &[Point] = &[("09:10:00", Some(10.0)), ("09:11:00", Some(10.0))];
    let five: &[Point] = &[("09:10:00", Some(10.0)), ("09:15:00", Some(10.0))];
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
    let basic = Limits::by_protocol(side(Some(128)), side(None));
    assert!(health(3, &basic).used_at_most.is_err());
    assert_eq!(health(3, &basic).used_at_least, 0.0);
    let at: &[Point] = &[("09:14:00", Some(128.0))];
    let sessions = metrics(metric(&[(&[("Protocol", "SSTP")], at)]), &basic);
    assert_eq!((sessions.used_at_least, sessions.used_at_most.is_err()), (1.0, true));
    assert_eq!(sessions.used, "128 of 128 SSTP sessions (100 %)");
    let sstp = Limits::by_protocol(side(Some(128)), Side { enabled: false, ..side(None) });
    // Sessions of a protocol that is not enabled count all the same.
    let sessions = metrics(metric(&[(&[("Protocol", "IKEv2")], &[("09:14:00", Some(1.0))])]), &sstp);
    assert_eq!(sessions.used_at_most.unwrap_err().what, "the limit");
    assert_eq!(range(&health(64, &sstp)), (0.5, 0.5));
}

#[test]
fn sessions_can_all_be_counted_where_no_limit_is_known() {
    let basic = Limits::by_protocol(side(Some(128)), side(None));
    let minute: &[Point] = &[("09:14:00", Some(10.0))];
    let sessions = metrics(metric(&[(&[("Protocol", "IKEv2")], minute)]), &basic);
    assert_eq!((&sessions.complete, sessions.used_at_most.is_err()), (&Ok(true), true));
    let empty: &[Point] = &[("09:14:00", None)];
    let series = metric(&[(&[("Protocol", "IKEv2")], minute), (&[("Protocol", "OpenVPN")], empty)]);
    assert!(metrics(series, &basic).complete.is_err());
}

#[test]
fn virtual_wan_has_one_limit_for_all_protocols() {
    let limits = Limits::together(Ok(20_000));
    let at: &[Point] = &[("09:14:00", Some(8_000.0))];
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
    for text in
        ["2025-12-31T09:14:00+00:00", "2025-12-31 09:14:00+00:00", "2025-12-31T09:14:00", "2025-12-31T10:14:00+01:00"]
    {
        assert_eq!(seconds(text), expected, "{text}");
    }
    assert_eq!(seconds("yesterday"), None);
}
