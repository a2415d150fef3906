//! The commands, one file each.

pub mod approve;
pub mod audit;
pub mod digest;
pub mod file;
pub mod sample;
pub mod statement;
pub mod world;
