//! Sets of addresses.
