//! Gateway SKUs and their limits.
