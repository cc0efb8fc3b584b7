//! The program as its users run it: arguments in, streams and exit code out. One file for each command.

mod scan;
mod support;
