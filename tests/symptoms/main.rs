//! The catalogue's own texts and codes, changed as people and programs change them, and what people write: each has to
//! lead to its symptom, and what is about something else to none.

mod codes;
mod phrases;
mod properties;
mod support;
mod transformations;
