//! X.509 root certificates as Azure stores them.
