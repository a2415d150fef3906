//! Every hermetic suite in one binary: link time is paid once.

mod approving;
mod example_jinan;
mod canary;
mod crds;
mod objects;
mod signatures;
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice, clippy::print_stdout)]

mod record;
mod source;
