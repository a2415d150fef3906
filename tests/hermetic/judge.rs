//! The judge: every way a grant can be dead, alone and in pairs, and what ends for good.

mod cases;
mod edges;
mod ends;
mod properties;
mod reasons;
mod signed;
mod suspends;
mod told;
pub mod world;
