//! The commands, one file each: arguments in, results to stdout, messages to stderr.

pub mod crds;
//! The commands, one file each.

pub mod audit;
pub mod sample;
