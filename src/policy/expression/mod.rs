//! The language of policies: CEL, checked against the facts' types when a policy is loaded and then run as a tree
//! in which every name is a position already.
//!
//! Reading is cel's own parser's work ([`parse`]); [`compile()`] checks types and resolves names; [`code`] runs, with
//! three values: a fact that was not read is [`Stop::Unread`], which `&&`, `||`, `all` and `exists` absorb as
//! they absorb errors.

mod calls;
mod code;
mod compile;
mod functions;
mod param;
mod parse;
mod shape;
mod types;

#[cfg(test)]
mod json;
#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;

pub(crate) use code::{Code, Frame, Stop};
pub use compile::Read;
pub(crate) use compile::{Compiled, Scope, compile};
pub use param::Param;
pub(crate) use types::{Ty, type_of};

/// How much stack the thread needs that loads policies: cel's parser recurses for each term.
pub(crate) const STACK_SIZE: usize = 64 << 20;
