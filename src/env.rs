//! The process environment, read in one place.

/// An environment variable; `None` where it is absent, empty or no UTF-8.
pub fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
