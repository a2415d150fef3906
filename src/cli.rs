//! The commands, one file each: arguments in, results to stdout, messages to stderr.

pub mod approve;
pub mod audit;
pub mod digest;
pub mod file;
pub mod sample;
pub mod statement;
pub mod crds;
pub mod up;
pub mod world;
