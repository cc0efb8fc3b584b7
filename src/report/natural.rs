//! The order in which people count: `line 2` before `line 10`.

use std::cmp::Ordering;

use crate::source::Gap;

/// The order of gaps: by scope, then by the position inside of it, which stands in the detail. It is total.
pub fn order_of_gaps(a: &Gap, b: &Gap) -> Ordering {
    (a.scope.cmp(&b.scope)).then_with(|| natural(&a.detail, &b.detail)).then_with(|| a.cmp(b))
}

/// Compares runs of digits as numbers, of any size, and everything else as text.
fn natural(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let (left, right) = (digits(a), digits(b));
        let order = if left.is_empty() || right.is_empty() {
            a.chars().next().cmp(&b.chars().next())
        } else {
            let value = |run: &str| run.trim_start_matches('0').len();
            (value(left).cmp(&value(right)))
                .then_with(|| left.trim_start_matches('0').cmp(right.trim_start_matches('0')))
        };
        if order != Ordering::Equal || a.is_empty() {
            return order;
        }
        // Both start with a run of digits, or both with the same other character.
        (a, b) = (behind(a, left), behind(b, right));
    }
}

fn digits(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())]
}

fn behind<'t>(text: &'t str, run: &str) -> &'t str {
    match run.len() {
        0 => text.char_indices().nth(1).map_or("", |(next, _)| &text[next..]),
        length => &text[length..],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::Reason;

    fn gap(scope: &str, detail: &str) -> Gap {
        Gap { scope: scope.to_owned(), what: "resource".to_owned(), reason: Reason::Damaged, detail: detail.to_owned() }
    }

    #[test]
    fn gaps_stand_in_the_order_of_their_files_and_lines() {
        let ordered = [
            gap("a.json", "line 2, column 1: null"),
            gap("a.json", "line 10, column 1: null"),
            gap("a.json", "line 10, column 9: null"),
            gap("a.json", "line 10, column 10: null"),
            gap("a.json", "line 99999999999999999999999, column 1: null"),
            gap("b.json", "line 1, column 1: null"),
        ];
        let mut gaps = ordered.clone();
        gaps.reverse();
        gaps.sort_by(order_of_gaps);
        assert_eq!(gaps, ordered);
    }

    #[test]
    fn the_type_of_the_resource_does_not_come_before_the_line() {
        let first = gap("a.json", "line 2");
        let mut second = gap("a.json", "line 10");
        second.what = "microsoft.network/virtualnetworks".to_owned();
        assert!(first.what > second.what);
        assert_eq!(order_of_gaps(&first, &second), Ordering::Less);
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in "[0-9ab ]{0,6}", b in "[0-9ab ]{0,6}", c in "[0-9ab ]{0,6}") {
            let (a, b, c) = (gap("", &a), gap("", &b), gap("", &c));
            prop_assert_eq!(order_of_gaps(&a, &b), order_of_gaps(&b, &a).reverse());
            prop_assert_eq!(order_of_gaps(&a, &b) == Ordering::Equal, a == b);
            let mut all = [&a, &b, &c];
            all.sort_by(|a, b| order_of_gaps(a, b));
            prop_assert!(order_of_gaps(all[0], all[2]) != Ordering::Greater);
        }
    }
}
