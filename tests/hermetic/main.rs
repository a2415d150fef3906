//! Every hermetic suite in one binary: link time is paid once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout
)]

mod approving;
mod architecture;
mod canary;
mod cli;
mod crash;
mod crds;
mod example_jinan;
mod guard;
mod judge;
mod objects;
mod record;
mod signatures;
mod source;
