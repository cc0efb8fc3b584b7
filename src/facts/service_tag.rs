//! Service tags.
