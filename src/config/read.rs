//! The file's text becomes a [`Config`]; everything that is wrong with it is named at its place.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Config, Placed, Settings};
use crate::policy::{LoadError, Param, Severity, did_you_mean, line_and_column, listed};
use crate::text_file;

const KEYS: [&str; 3] = ["rdp-port", "service-tags", "policy"];
const KEYS_OF_POLICY: [&str; 3] = ["params", "severity", "enabled"];

/// A value of the file.
type Value<'i> = Spanned<DeValue<'i>>;

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is faulty: see [`Self::parse`].
    pub fn read(path: &Path) -> Result<Self, Vec<LoadError>> {
        let text = text_file::read(path).map_err(|error| {
            let message = format!("cannot read the configuration: {error}");
            let hint = "name a file with --config, or leave the option out: azaudit.toml in the working directory or \
                        above it is read by itself, and none is needed";
            vec![LoadError { path: path.display().to_string(), position: None, message, hint: Some(hint.into()) }]
        })?;
        Self::parse(path, &text)
    }

    /// Reads the text of a configuration file that has that path. Policies and their parameters are checked by
    /// [`Self::apply`].
    ///
    /// # Errors
    ///
    /// All faults of the file: unknown keys and words, values of a wrong type; or the first place that is no TOML.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Vec<LoadError>> {
        let mut reader = Reader { path, text, faults: Vec::new() };
        let mut config = Self { path: path.to_owned(), ..Self::default() };
        match DeTable::parse(text) {
            Ok(document) => reader.config(document.get_ref(), &mut config),
            Err(error) => {
                reader.fault(error.span().unwrap_or(0..0), format!("not valid TOML: {}", error.message()), None);
            }
        }
        if reader.faults.is_empty() {
            return Ok(config);
        }
        reader.faults.sort();
        Err(reader.faults)
    }
}

struct Reader<'t> {
    path: &'t Path,
    text: &'t str,
    faults: Vec<LoadError>,
}

impl Reader<'_> {
    fn fault(&mut self, span: Range<usize>, message: impl Into<String>, hint: impl Into<Option<String>>) {
        let position = Some(line_and_column(self.text, span.start));
        let path = self.path.display().to_string();
        self.faults.push(LoadError { path, position, message: message.into(), hint: hint.into() });
    }

    fn wrong_type(&mut self, value: &Value<'_>, what: &str, wanted: &str) {
        self.fault(value.span(), format!("`{what}` is {}, not {wanted}", kind(value)), None);
    }

    fn unknown_key(&mut self, span: Range<usize>, name: &str, known: &[&str]) {
        let hint = did_you_mean(name, known.iter().copied())
            .unwrap_or_else(|| format!("known here: {}", listed(known.iter().copied())));
        self.fault(span, format!("unknown key `{name}`"), hint);
    }

    fn config(&mut self, document: &DeTable<'_>, config: &mut Config) {
        for (key, value) in document {
            match &**key.get_ref() {
                "rdp-port" => config.rdp_port = self.port(value),
                "service-tags" => config.service_tags = self.file(value),
                "policy" => config.policies = self.policies(value),
                "suppress" => {
                    let hint = "take them out; `enabled = false` below `[policy.ID]` leaves a whole policy out";
                    self.fault(key.span(), "suppressions are not there yet", hint.to_owned());
                }
                name => self.unknown_key(key.span(), name, &KEYS),
            }
        }
    }

    fn port(&mut self, value: &Value<'_>) -> Option<u16> {
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_type(value, "rdp-port", "an int");
            return None;
        };
        let port = u16::from_str_radix(number.as_str(), number.radix()).ok().filter(|port| *port != 0);
        if port.is_none() {
            let hint = "a port is a number from 1 to 65535".to_owned();
            self.fault(value.span(), format!("{number} is not a port"), hint);
        }
        port
    }

    fn file(&mut self, value: &Value<'_>) -> Option<PathBuf> {
        match value.get_ref() {
            DeValue::String(text) if text.is_empty() => {
                self.fault(value.span(), "`service-tags` is empty", None);
                None
            }
            DeValue::String(text) => Some(self.path.parent().unwrap_or(Path::new("")).join(&**text)),
            _ => {
                self.wrong_type(value, "service-tags", "a string");
                None
            }
        }
    }

    fn policies(&mut self, value: &Value<'_>) -> Vec<Settings> {
        let DeValue::Table(policies) = value.get_ref() else {
            let hint = "settings of a policy stand below `[policy.ID]`".to_owned();
            self.fault(value.span(), format!("`policy` is {}, not a table", kind(value)), hint);
            return Vec::new();
        };
        let mut all = Vec::new();
        for (id, value) in policies {
            let DeValue::Table(table) = value.get_ref() else {
                let hint = format!("settings of a policy stand below `[policy.ID]`; known there: {}", {
                    listed(KEYS_OF_POLICY)
                });
                self.fault(id.span(), format!("`{}` is {}, not a table", id.get_ref(), kind(value)), hint);
                continue;
            };
            let id = Placed { at: line_and_column(self.text, id.span().start), value: id.get_ref().to_string() };
            let mut settings = Settings { id, params: Vec::new(), severity: None, enabled: true };
            for (key, value) in table {
                match &**key.get_ref() {
                    "params" => settings.params = self.params(value),
                    "severity" => settings.severity = self.severity(value),
                    "enabled" => match value.get_ref() {
                        DeValue::Boolean(enabled) => settings.enabled = *enabled,
                        _ => self.wrong_type(value, "enabled", "a bool"),
                    },
                    name => self.unknown_key(key.span(), name, &KEYS_OF_POLICY),
                }
            }
            all.push(settings);
        }
        all
    }

    fn params(&mut self, value: &Value<'_>) -> Vec<(String, Placed<Param>)> {
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_type(value, "params", "a table");
            return Vec::new();
        };
        let mut params = Vec::new();
        for (name, value) in table {
            if let Some(param) = self.param(name.get_ref(), value) {
                let at = line_and_column(self.text, value.span().start);
                params.push((name.get_ref().to_string(), Placed { at, value: param }));
            }
        }
        params
    }

    fn param(&mut self, name: &str, value: &Value<'_>) -> Option<Param> {
        let param = match value.get_ref() {
            DeValue::Boolean(it) => Some(Param::Bool(*it)),
            DeValue::String(it) => Some(Param::String(it.to_string())),
            DeValue::Integer(it) => i64::from_str_radix(it.as_str(), it.radix()).ok().map(Param::Int),
            // A threshold that nothing compares with would make every subject pass or fail.
            DeValue::Float(it) => it.as_str().parse().ok().filter(|it: &f64| it.is_finite()).map(Param::Double),
            _ => {
                self.wrong_type(value, name, "an int, a float, a bool or a string");
                return None;
            }
        };
        if param.is_none() {
            self.fault(value.span(), format!("`{name}` is no number that can be compared with"), None);
        }
        param
    }

    fn severity(&mut self, value: &Value<'_>) -> Option<Severity> {
        let DeValue::String(word) = value.get_ref() else {
            self.wrong_type(value, "severity", "a string");
            return None;
        };
        let found = Severity::ALL.into_iter().find(|severity| severity.word() == word);
        if found.is_none() {
            let words = Severity::ALL.map(Severity::word);
            let hint = did_you_mean(word, words).unwrap_or_else(|| format!("one of {}", listed(words)));
            self.fault(value.span(), format!("unknown severity `{word}`"), hint);
        }
        found
    }
}

/// What a value is, for messages.
fn kind(value: &Value<'_>) -> &'static str {
    match value.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an int",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a bool",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "rdp-port = 3390\nservice-tags = 'tags/a.json'\n\n[policy.some-id]\nseverity = \"low\"\n\
                        enabled = false\nparams = { share = 0.6, count = 1_000, word = \"x\", on = true }\n";

    fn parse(text: &str) -> Result<Config, String> {
        let errors = |errors: Vec<LoadError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        Config::parse(Path::new("team/azaudit.toml"), text).map_err(errors)
    }

    /// What is said about the good file after one change to it.
    fn faults_after(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        parse(&GOOD.replacen(from, to, 1)).err().unwrap_or_default()
    }

    #[test]
    fn a_file_says_what_stands_in_it() {
        let config = parse(GOOD).unwrap();
        assert_eq!(config.rdp_port, Some(3390));
        assert_eq!(config.service_tags, Some("team/tags/a.json".into()));
        assert_eq!(config.disabled().collect::<Vec<_>>(), ["some-id"]);
        let settings = &config.policies[0];
        assert_eq!((settings.severity, settings.id.at), (Some(Severity::Low), (4, 9)));
        let param = |name: &str| settings.params.iter().find(|(it, _)| it == name).map(|(_, it)| it.value.clone());
        assert_eq!(param("share"), Some(Param::Double(0.6)));
        assert_eq!(param("count"), Some(Param::Int(1000)));
        assert_eq!(param("word"), Some(Param::String("x".into())));
        assert_eq!(param("on"), Some(Param::Bool(true)));
        assert_eq!(parse("").unwrap(), Config { path: "team/azaudit.toml".into(), ..Config::default() });
    }

    #[test]
    fn faults_are_told_with_their_place_and_what_was_meant() {
        let cases = [
            ("rdp-port", "rdp_port", "1:1: unknown key `rdp_port`\nhint: did you mean `rdp-port`?"),
            ("3390", "70000", "1:12: 70000 is not a port\nhint: a port is a number from 1 to 65535"),
            ("3390", "0", "1:12: 0 is not a port\nhint: a port is a number from 1 to 65535"),
            ("3390", "'3390'", "1:12: `rdp-port` is a string, not an int"),
            ("'tags/a.json'", "7", "2:16: `service-tags` is an int, not a string"),
            ("'tags/a.json'", "''", "2:16: `service-tags` is empty"),
            ("severity", "sevrity", "5:1: unknown key `sevrity`\nhint: did you mean `severity`?"),
            ("\"low\"", "\"lwo\"", "5:12: unknown severity `lwo`\nhint: did you mean `low`?"),
            ("false", "\"no\"", "6:11: `enabled` is a string, not a bool"),
            ("0.6", "nan", "7:20: `share` is no number that can be compared with"),
            ("0.6", "[1]", "7:20: `share` is a list, not an int, a float, a bool or a string"),
            ("rdp-port = 3390", "rdp-port 3390", "1:10: not valid TOML: "),
            ("rdp-port = 3390", "service-tags = ''", "2:1: not valid TOML: duplicate key"),
        ];
        for (from, to, fault) in cases {
            let faults = faults_after(from, to);
            assert!(faults.starts_with(&format!("team/azaudit.toml:{fault}")), "{from} -> {to}: {faults}");
        }
    }

    #[test]
    fn all_faults_are_told_at_once_in_the_order_of_the_file() {
        let faults = parse("policy = 1\nnonsense = 2\nrdp-port = true\n").unwrap_err();
        let places: Vec<&str> = faults.lines().filter_map(|line| line.strip_prefix("team/azaudit.toml:")).collect();
        assert_eq!(places.len(), 3, "{faults}");
        assert!(places.iter().zip(["1:10", "2:1", "3:12"]).all(|(line, place)| line.starts_with(place)), "{faults}");
    }

    #[test]
    fn suppressions_are_refused_and_never_passed_over() {
        for text in ["[[suppress]]\npolicy = 'rdp-*'\n", "[suppress]\n", "suppress = []\n"] {
            assert!(parse(text).unwrap_err().contains("suppressions are not there yet"), "{text}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn damage_anywhere_is_told_within_the_file(
            at in 0..GOOD.len(),
            length in 0_usize..12,
            inserted in "[ -~\n]{0,3}|ü|'''|\"\"\"|\t|\u{feff}|\\[\\[|\r",
        ) {
            let text = [&GOOD[..at], &inserted, &GOOD[(at + length).min(GOOD.len())..]].concat();
            for error in Config::parse(Path::new("a.toml"), &text).err().unwrap_or_default() {
                let (line, column) = error.position.unwrap();
                let line = text.split('\n').nth(line - 1).unwrap();
                proptest::prop_assert!(column <= line.chars().count() + 1, "{error}");
            }
        }
    }

    #[test]
    fn nothing_that_a_file_holds_brings_the_reader_down() {
        let deep = format!("a = {}1{}", "[".repeat(50_000), "]".repeat(50_000));
        for text in [&deep, "\0", "=", "[", "[[", "'''", "[policy.\"\"]", "[policy.x.params]\nx = 99999999999999999999"]
        {
            assert!(!parse(text).is_ok_and(|config| config.policies.is_empty()), "{text:.40}");
        }
    }
}
