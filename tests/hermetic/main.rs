//! Every hermetic suite in one binary: link time is paid once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice, clippy::print_stdout)]

mod architecture;
mod canary;
mod crds;
mod example_jinan;
mod judge;
mod objects;
mod record;
mod signatures;
mod source;
