//! The commands, one file each: arguments in, results to stdout, messages to stderr.

pub mod audit;
pub mod crds;
pub mod sample;
pub mod up;
pub mod world;
