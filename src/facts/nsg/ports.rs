//! Port fields of rules.

/// Ports from the first to the last, both included.
pub type PortRange = (u16, u16);

/// Every port.
pub const ALL: &[PortRange] = &[(0, u16::MAX)];

/// The ports that a rule names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    ranges: Vec<PortRange>,
    /// Whether a part of the field was not understood: then it may mean any port.
    pub unreadable: bool,
    /// Whether the singular field holds a list with commas.
    pub comma: bool,
}

impl Ports {
    /// Reads the singular and the plural field; both count together, and neither of them means any port.
    pub fn new(singular: Option<&str>, plural: &[Box<str>]) -> Self {
        if singular.is_none() && plural.is_empty() {
            return Self { ranges: ALL.to_vec(), unreadable: false, comma: false };
        }
        let mut read =
            Self { ranges: Vec::new(), unreadable: false, comma: singular.is_some_and(|it| it.contains(',')) };
        let texts = singular.into_iter().chain(plural.iter().map(|text| &**text));
        let mut said = false;
        for text in texts.flat_map(|text| text.split(',')).map(str::trim).filter(|text| !text.is_empty()) {
            said = true;
            match range(text) {
                Some(range) => read.ranges.push(range),
                None => read.unreadable = true,
            }
        }
        read.unreadable |= !said;
        read.ranges = merged(read.ranges);
        read
    }

    /// The ports: certainly meant, or (`wide`) possibly meant.
    pub fn ranges(&self, wide: bool) -> &[PortRange] {
        if wide && self.unreadable { ALL } else { &self.ranges }
    }

    /// Whether that port is meant for certain, and whether it may be.
    pub fn has(&self, port: u16) -> (bool, bool) {
        let within = |ranges: &[PortRange]| ranges.iter().any(|range| (range.0..=range.1).contains(&port));
        (within(self.ranges(false)), within(self.ranges(true)))
    }

    /// Whether only that port is meant.
    pub fn only(&self, port: u16) -> bool {
        !self.unreadable && self.ranges.iter().all(|range| *range == (port, port)) && !self.ranges.is_empty()
    }
}

/// The ranges sorted, neither overlapping nor touching.
fn merged(mut ranges: Vec<PortRange>) -> Vec<PortRange> {
    ranges.sort_unstable();
    ranges.dedup_by(|next, last| {
        let joins = next.0 <= last.1.saturating_add(1);
        if joins {
            last.1 = last.1.max(next.1);
        }
        joins
    });
    ranges
}

/// Reads `3389`, `3000-4000`, `*`.
fn range(text: &str) -> Option<PortRange> {
    if text == "*" || text.eq_ignore_ascii_case("any") {
        return Some((0, u16::MAX));
    }
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
    (from <= to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(singular: Option<&str>, plural: &[&str]) -> Ports {
        Ports::new(singular, &plural.iter().map(|text| (*text).into()).collect::<Vec<_>>())
    }

    #[test]
    fn both_fields_count_and_neither_means_any() {
        let both = read(Some("22"), &["3380-3390"]);
        assert_eq!((both.has(22), both.has(3389), both.has(80)), ((true, true), (true, true), (false, false)));
        assert_eq!(read(None, &[]).has(3389), (true, true));
        assert_eq!(read(Some("*"), &[]).has(0), (true, true));
        assert_eq!(read(Some("0-65535"), &[]).has(65535), (true, true));
    }

    #[test]
    fn an_empty_text_says_nothing_and_is_not_any() {
        assert_eq!(read(Some(""), &[]).has(3389), (false, true));
        assert_eq!(read(Some(""), &["22"]).has(3389), (false, false));
    }

    #[test]
    fn a_list_in_the_singular_field_is_read_and_flagged() {
        let list = read(Some("22, 3389"), &[]);
        assert!(list.comma);
        assert_eq!(list.has(3389), (true, true));
        assert!(!read(Some("3389"), &[]).comma);
    }

    #[test]
    fn what_is_no_port_may_be_any() {
        for text in ["70000", "b", "4000-3000", "-1"] {
            assert_eq!(read(Some(text), &[]).has(3389), (false, true), "{text}");
        }
    }
}
