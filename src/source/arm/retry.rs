//! When to ask again: what Azure says about it, in headers or in words, else growing waits with jitter.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use reqwest::header::HeaderMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// A longer wait is as good as none, and no clock overflows by adding it.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Whether asking again may help.
pub(crate) fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// How long the answer asks us to wait, if it does. The text is looked at for throttled requests only.
pub(crate) fn asked(status: u16, headers: &HeaderMap, text: &str) -> Option<Duration> {
    named(status, headers, text).map(|wait| wait.min(LONGEST))
}

fn named(status: u16, headers: &HeaderMap, text: &str) -> Option<Duration> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
        if let Some(ms) = header(name).and_then(|value| value.parse::<u64>().ok()) {
            return Some(Duration::from_millis(ms));
        }
    }
    if let Some(value) = header("retry-after") {
        if let Some(seconds) = value.parse::<f64>().ok().filter(|seconds| (0.0..1e9).contains(seconds)) {
            return Some(Duration::from_secs_f64(seconds));
        }
        if let Ok(at) = OffsetDateTime::parse(value, &Rfc2822) {
            // The server's clock counts, not ours.
            let now = header("date").and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
            let wait = at - now.unwrap_or_else(OffsetDateTime::now_utc);
            return Some(wait.try_into().unwrap_or_default());
        }
    }
    if status != 429 {
        return None;
    }
    header("x-ms-user-quota-resets-after").and_then(clock).or_else(|| seconds_in(text))
}

/// When Resource Graph answers again, once its quota is used up.
pub(crate) fn quota_spent(headers: &HeaderMap) -> Option<Duration> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let remaining: i64 = header("x-ms-user-quota-remaining")?.parse().ok()?;
    (remaining <= 0).then(|| header("x-ms-user-quota-resets-after").and_then(clock)).flatten().map(|it| it.min(LONGEST))
}

/// `hh:mm:ss`.
fn clock(text: &str) -> Option<Duration> {
    let mut parts = text.split(':').map(|part| part.trim().parse::<f64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let total = hours * 3600.0 + minutes * 60.0 + seconds;
    (0.0..1e9).contains(&total).then(|| Duration::from_secs_f64(total))
}

/// The number before `second` in `Please try again after '37' seconds`.
fn seconds_in(text: &str) -> Option<Duration> {
    let before = &text[..text.find("second")?];
    let end = before.rfind(|c: char| c.is_ascii_digit())? + 1;
    let between = &before[end..];
    if between.len() > 3 {
        return None;
    }
    let start = before[..end]
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    before[start..end].parse().ok().map(Duration::from_secs)
}

/// The wait before that attempt (2, 3, …) when nobody names one: half a second, doubled each time up to 20 s, of
/// which a random half is taken off, so that many clients do not return together.
pub(crate) fn backoff(attempt: u32) -> Duration {
    let full = Duration::from_millis(500).saturating_mul(1 << attempt.saturating_sub(2).min(6));
    let full = full.min(Duration::from_secs(20));
    let random = RandomState::new().build_hasher().finish() % 1000;
    full / 2 + full / 2 * u32::try_from(random).unwrap_or_default() / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn every_way_of_asking_to_wait_is_understood() {
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(asked(503, &headers(&[("retry-after", "17")]), ""), seconds(17));
        assert_eq!(asked(503, &headers(&[("retry-after-ms", "2000"), ("retry-after", "17")]), ""), seconds(2));
        let dates =
            headers(&[("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT"), ("date", "Wed, 21 Oct 2015 07:28:00 GMT")]);
        assert_eq!(asked(429, &dates, ""), seconds(30));
        assert_eq!(asked(429, &headers(&[("x-ms-user-quota-resets-after", "00:01:05")]), ""), seconds(65));
        let words = "The request was throttled. Please try again after '37' seconds.";
        assert_eq!(asked(429, &headers(&[]), words), seconds(37));
        assert_eq!(asked(429, &headers(&[]), "retry after 5 seconds"), seconds(5));
    }

    #[test]
    fn an_absurd_wait_is_cut_down() {
        let most = u64::MAX.to_string();
        assert_eq!(asked(503, &headers(&[("retry-after-ms", &most)]), ""), Some(LONGEST));
        assert_eq!(asked(429, &headers(&[]), &format!("after {most} seconds")), Some(LONGEST));
    }

    #[test]
    fn nothing_is_read_into_words_without_a_wait() {
        for text in ["", "second", "a few seconds", "limit of 3 calls, seconds", "é9 of them per second"] {
            assert_eq!(asked(429, &headers(&[]), text), None, "{text}");
        }
        assert_eq!(asked(500, &headers(&[]), "failed after 30 seconds"), None);
        assert_eq!(asked(503, &headers(&[("retry-after", "-1")]), ""), None);
    }

    #[test]
    fn a_spent_quota_says_when_it_is_full_again() {
        let spent = headers(&[("x-ms-user-quota-remaining", "0"), ("x-ms-user-quota-resets-after", "00:00:05")]);
        let left = headers(&[("x-ms-user-quota-remaining", "3"), ("x-ms-user-quota-resets-after", "00:00:05")]);
        assert_eq!(quota_spent(&spent), Some(Duration::from_secs(5)));
        assert_eq!(quota_spent(&left), None);
    }

    #[test]
    fn waits_grow_and_stay_below_twenty_seconds() {
        assert!(backoff(2) <= Duration::from_millis(500));
        assert!(backoff(6) >= Duration::from_secs(4));
        assert!(backoff(1000) <= Duration::from_secs(20));
    }
}
