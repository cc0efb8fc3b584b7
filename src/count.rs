//! Numbers and counted nouns, for all messages.

/// `1 finding`, `2 findings`, `1,000 policies`: a number and its noun.
pub fn counted(count: u64, noun: &str) -> String {
    let number = grouped(count);
    match noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
        _ if count == 1 => format!("{number} {noun}"),
        Some(stem) => format!("{number} {stem}ies"),
        None => format!("{number} {noun}s"),
    }
}

/// `16,777,216`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_nouns() {
        assert_eq!(counted(1, "finding"), "1 finding");
        assert_eq!(counted(0, "finding"), "0 findings");
        assert_eq!([counted(1, "policy"), counted(2, "policy")], ["1 policy", "2 policies"]);
        assert_eq!(counted(2, "gateway"), "2 gateways");
        assert_eq!(counted(16_777_216, "subnet"), "16,777,216 subnets");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(4_294_967_040), "4,294,967,040");
        assert_eq!(grouped(65_536), "65,536");
        assert_eq!(grouped(7), "7");
    }
}
