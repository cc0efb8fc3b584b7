//! The times of events, as Windows and its tools write them.

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// When an event happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Utc(OffsetDateTime),
    /// In the time of a machine whose zone is not known.
    Local(PrimitiveDateTime),
}

/// Which of two numbers is the month, where the year stands last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// English: `6/14/2026`. British English cannot be told from it; where the first number is no month, it is the day.
    MonthFirst,
    /// French: `14/06/2026`.
    DayFirst,
    /// The language is not known: only what can be read in one way is read.
    #[default]
    Unknown,
}

/// Reads `2026-06-14T08:12:44.123Z`, `6/14/2026 8:12:44 AM`, `14/06/2026 08:12:44`, `2026/6/14 8:12:44`,
/// `2026/6/14 下午 8:12:44`, each with or without seconds, fraction and offset. None when it is something else, or could
/// be two different days.
pub(super) fn parse(text: &str, order: Order) -> Option<Moment> {
    let mut rest = Scanner(text.trim());
    let (first, digits) = rest.number()?;
    let second = rest.next_number()?.0;
    let (third, _) = rest.next_number()?;
    let (year, month, day) = match (digits >= 3, order) {
        (true, _) => (first, second, third),
        (false, _) if first > 12 => (third, second, first),
        (false, _) if second > 12 || first == second => (third, first, second),
        (false, Order::MonthFirst) => (third, first, second),
        (false, Order::DayFirst) => (third, second, first),
        (false, Order::Unknown) => return None,
    };
    let year = i32::try_from(if year < 100 { year + 2000 } else { year }).ok()?;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()?;

    let half = half_of_day(text);
    let hour = rest.next_number()?.0;
    let hour = match half {
        Some(_) if !(1..=12).contains(&hour) && hour != 0 => hour,
        Some(Half::Morning) => hour % 12,
        Some(Half::Afternoon) => hour % 12 + 12,
        None => hour,
    };
    rest.separator(&[':', '.', '時', '时', 'h'])?;
    let minute = rest.number()?.0;
    let second = match rest.separator(&[':', '.', '分']).and_then(|()| rest.number()) {
        Some((second, _)) => second,
        None => 0,
    };
    let nano = match rest.separator(&['.', ',']).and_then(|()| rest.number()) {
        Some((fraction, digits @ 1..=9)) => fraction * 10_u32.pow(9 - digits),
        _ => 0,
    };
    let time =
        Time::from_hms_nano(hour.try_into().ok()?, minute.try_into().ok()?, second.try_into().ok()?, nano).ok()?;
    let local = PrimitiveDateTime::new(date, time);
    Some(match rest.offset() {
        Some(offset) => Moment::Utc(local.assume_offset(offset).checked_to_offset(UtcOffset::UTC)?),
        None => Moment::Local(local),
    })
}

/// As [`parse`], where it is documented that a time without zone is UTC.
pub(super) fn parse_utc(text: &str) -> Option<Moment> {
    parse(text, Order::Unknown).map(|moment| match moment {
        Moment::Local(at) => Moment::Utc(at.assume_utc()),
        utc => utc,
    })
}

/// The `\/Date(1781424764123)\/` of Windows PowerShell: milliseconds since 1970 in UTC.
pub(super) fn parse_milliseconds(text: &str) -> Option<Moment> {
    let inside = text.trim_matches('/').strip_prefix("Date(")?.strip_suffix(')')?;
    let end = inside.char_indices().skip(1).find(|(_, c)| !c.is_ascii_digit()).map_or(inside.len(), |(at, _)| at);
    let milliseconds: i128 = inside[..end].parse().ok()?;
    OffsetDateTime::from_unix_timestamp_nanos(milliseconds.checked_mul(1_000_000)?).ok().map(Moment::Utc)
}

#[derive(Clone, Copy)]
enum Half {
    Morning,
    Afternoon,
}

fn half_of_day(text: &str) -> Option<Half> {
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
    match letters {
        it if it.contains("pm") || it.contains("下午") || it.contains("午後") => Some(Half::Afternoon),
        it if it.contains("am") || it.contains("上午") || it.contains("午前") => Some(Half::Morning),
        _ => None,
    }
}

struct Scanner<'a>(&'a str);

impl Scanner<'_> {
    /// A number of at most nine digits here, and how many digits it has.
    fn number(&mut self) -> Option<(u32, u32)> {
        let text = self.0.trim_start_matches(invisible);
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, rest) = text.split_at(end);
        // ticks are tenths of a microsecond, and seven digits suffice
        let value = digits.get(..end.min(9))?.parse().ok()?;
        self.0 = rest;
        Some((value, end.min(9) as u32))
    }

    /// The next number, after a separator of a few characters (`/`, `年`, ` 下午 `, `T`).
    fn next_number(&mut self) -> Option<(u32, u32)> {
        let at = self.0.find(|c: char| c.is_ascii_digit())?;
        if at == 0 || self.0[..at].chars().count() > 8 {
            return None;
        }
        self.0 = &self.0[at..];
        self.number()
    }

    fn separator(&mut self, allowed: &[char]) -> Option<()> {
        self.0 = self.0.trim_start_matches(invisible).strip_prefix(allowed)?;
        Some(())
    }

    /// `Z`, `UTC`, `+02:00`, `+0200`, `-05` after the time.
    fn offset(&mut self) -> Option<UtcOffset> {
        let rest = self.0.trim();
        if ["z", "utc", "gmt"].iter().any(|name| rest.eq_ignore_ascii_case(name)) {
            return Some(UtcOffset::UTC);
        }
        let (sign, digits) = match rest.split_at_checked(1)? {
            ("+", digits) => (1, digits.replace(':', "")),
            ("-", digits) => (-1, digits.replace(':', "")),
            _ => return None,
        };
        let plain = digits.len() <= 4 && digits.bytes().all(|it| it.is_ascii_digit());
        let hours: i8 = digits.get(..2).filter(|_| plain)?.parse().ok()?;
        let minutes: i8 = digits.get(2..).filter(|it| !it.is_empty()).map_or(Some(0), |it| it.parse().ok())?;
        UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()
    }
}

/// Windows surrounds the parts of dates by left-to-right marks, and newer versions put narrow spaces between them.
fn invisible(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202f}' | '\u{a0}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn with_a_zone_it_is_utc() {
        let utc = Some(Moment::Utc(datetime!(2026-06-14 08:12:44 UTC)));
        for text in [
            "2026-06-14T08:12:44Z",
            "2026-06-14T08:12:44.0000000Z",
            "2026-06-14 08:12:44 UTC",
            "2026-06-14T10:12:44+02:00",
            "2026-06-14T10:12:44.000+0200",
            "2026-06-14T05:12:44-03",
            "6/14/2026 10:12:44 +02:00",
        ] {
            assert_eq!(parse(text, Order::Unknown), utc, "{text}");
        }
        assert_eq!(parse_utc("2026-06-14T08:12:44.000"), utc);
        assert_eq!(parse_milliseconds("/Date(1781424764000)/"), utc);
        assert_eq!(parse_milliseconds("/Date(1781424764000+0200)/"), utc);
    }

    #[test]
    fn without_a_zone_it_is_local_in_the_order_of_the_language() {
        let local = Some(Moment::Local(datetime!(2026-06-04 20:12:44)));
        for (text, order) in [
            ("2026-06-04T20:12:44", Order::Unknown),
            ("6/4/2026 8:12:44 PM", Order::MonthFirst),
            ("\u{200e}6/\u{200e}4/\u{200e}2026 \u{200e}8:\u{200e}12:\u{200e}44 PM", Order::MonthFirst),
            ("6/4/2026 8:12:44\u{202f}PM", Order::MonthFirst),
            ("04/06/2026 20:12:44", Order::DayFirst),
            ("2026/6/4 20:12:44", Order::Unknown),
            ("2026/6/4 下午 8:12:44", Order::Unknown),
            ("2026/06/04 午後 8:12:44", Order::Unknown),
            ("2026年6月4日 20:12:44", Order::Unknown),
        ] {
            assert_eq!(parse(text, order), local, "{text}");
        }
    }

    #[test]
    fn what_could_be_two_days_is_read_only_with_a_language() {
        assert_eq!(parse("6/4/2026 20:12:44", Order::Unknown), None);
        let day = |moment| match moment {
            Some(Moment::Local(at)) => at.date(),
            other => panic!("{other:?}"),
        };
        assert_eq!(day(parse("6/14/2026 20:12:44", Order::Unknown)), time::macros::date!(2026 - 06 - 14));
        assert_eq!(day(parse("14/6/2026 20:12:44", Order::MonthFirst)), time::macros::date!(2026 - 06 - 14));
    }

    #[test]
    fn twelve_is_the_first_hour_of_its_half() {
        let hour = |text| match parse(text, Order::MonthFirst) {
            Some(Moment::Local(at)) => at.hour(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            [hour("6/4/2026 12:00:01 AM"), hour("6/4/2026 12:00:01 PM"), hour("6/4/2026 1:00:01 PM")],
            [0, 12, 13]
        );
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in
            ["", "Schannel", "36871", "13/13/2026 8:12:44", "2026-06-14", "2026-06-14T25:00:00Z", "/Date()/", "1/1"]
        {
            assert_eq!(parse(text, Order::MonthFirst), None, "{text}");
        }
        assert_eq!(parse_milliseconds("/Date()/"), None);
        assert_eq!(parse_milliseconds("/Date(é)/"), None);
    }
}
