//! Root certificates as Azure stores them: what was pasted into `publicCertData`, and the X.509 certificate in it.
//!
//! [`read`] peels a value down to the certificate: white space, byte order marks, zero-width characters, PEM lines,
//! base64 around base64, missing padding. Each of these is a fault of *layout*; what remains is a certificate, private
//! key material, or *damage*. Every pass is linear in the length of the value.
//!
//! Offsets count characters (Unicode scalar values) of the value as it is stored, from 0.
//!
//! Private keys are recognised and dropped: nothing that this module returns holds any part of one.

mod der;
mod form;
mod layout;
mod scan;
mod stray;
mod x509;

pub use layout::{Cleaned, Content, Damage, Layout, LayoutFault, Reading, Stray, read};
pub use x509::{Decoded, KeyKind, SignatureHash, Stated, decode};

#[cfg(test)]
mod tests;
