//! Values as Bicep writes them, for the property lines of remediation texts.

/// A string: `'10.0.0.0/24'`. Nothing in it ends it early or is taken for an expression.
pub fn string(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'").replace("${", r"\${"))
}

/// A list of strings on one line: `['10.0.0.0/24', '10.1.0.0/24']`.
pub fn strings<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|it| string(it.as_ref())).collect();
    format!("[{}]", texts.join(", "))
}

/// Stands for a free range of addresses that only the reader knows.
pub const FREE_RANGE: &str = "'FREE_RANGE'";

/// The SKU of a gateway: name and tier are the same word.
pub fn sku(name: &str) -> String {
    let name = string(name);
    format!("sku: {{ name: {name}, tier: {name} }}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_stays_one_string() {
        assert_eq!(string(r"a\'${x}"), r"'a\\\'\${x}'");
        assert_eq!(strings(["10.0.0.0/24", "b"]), "['10.0.0.0/24', 'b']");
        assert_eq!(strings([""; 0]), "[]");
        assert_eq!(sku("VpnGw1AZ"), "sku: { name: 'VpnGw1AZ', tier: 'VpnGw1AZ' }");
    }
}
