//! Expressions of ARM templates: read, and evaluated as far as a template alone tells.

mod functions;
mod parse;
pub mod unknown;

pub use functions::call;
pub use parse::{Node, Text, classify, parse};
