//! The languages in which symptoms are described.

/// A language of the catalogue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// English, also where no other language fits.
    #[default]
    English,
    /// French.
    French,
    /// Chinese in simplified characters.
    Chinese,
    /// Japanese.
    Japanese,
}

impl Language {
    /// All of them, in the order in which they are named.
    pub const ALL: [Self; 4] = [Self::English, Self::French, Self::Chinese, Self::Japanese];

    /// Its code of two letters, as `--lang` and the JSON contracts write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::Chinese => "zh",
            Self::Japanese => "ja",
        }
    }

    /// The language of a code (`fr`), a locale (`fr_FR.UTF-8`) or a tag (`zh-Hans-CN`), in any letter case; `None`
    /// for another language.
    pub fn parse(name: &str) -> Option<Self> {
        let code = name.trim().split(['_', '-', '.', '@']).next()?;
        Self::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(code))
    }

    /// The language of the environment: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set decides, as it
    /// does for other programs. English where none is set or it names another language.
    pub fn of_environment(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.trim().is_empty()))
            .and_then(|locale| Self::parse(&locale))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{self, Chinese, English, French, Japanese};

    fn of(variables: &[(&str, &str)]) -> Language {
        Language::of_environment(&|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_locale_names_its_language() {
        for (locale, language) in [
            ("fr_FR.UTF-8", Some(French)),
            ("fr", Some(French)),
            ("FR-ca", Some(French)),
            ("zh_CN", Some(Chinese)),
            ("zh-Hans-CN", Some(Chinese)),
            ("ja_JP.eucJP", Some(Japanese)),
            ("en_US.UTF-8@euro", Some(English)),
            ("de_DE.UTF-8", None),
            ("C", None),
            ("", None),
        ] {
            assert_eq!(Language::parse(locale), language, "{locale}");
        }
    }

    #[test]
    fn the_first_variable_that_is_set_decides() {
        assert_eq!(of(&[]), English);
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8")]), Japanese);
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8"), ("LC_MESSAGES", "fr_FR.UTF-8")]), French);
        assert_eq!(of(&[("LC_MESSAGES", "fr_FR.UTF-8"), ("LC_ALL", "zh_CN.UTF-8")]), Chinese);
        assert_eq!(of(&[("LC_ALL", ""), ("LANG", "ja_JP.UTF-8")]), Japanese);
        assert_eq!(of(&[("LC_ALL", "C"), ("LANG", "ja_JP.UTF-8")]), English);
    }
}
