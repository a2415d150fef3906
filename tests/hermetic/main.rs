//! Every hermetic suite in one binary: link time is paid once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    // test helpers are called for their effect; their ergonomics matter more than a copy
    clippy::needless_pass_by_value,
    clippy::assigning_clones,
    clippy::trivially_copy_pass_by_ref,
    // a list of mistakes is read as a list
    clippy::too_many_lines,
    clippy::duration_suboptimal_units,
    clippy::manual_is_multiple_of
)]

mod approving;
mod architecture;
mod archive;
mod canary;
mod cli;
mod crash;
mod crds;
mod deploy;
mod evidence;
mod example_jinan;
mod folder;
mod guard;
mod inspection;
mod judge;
mod manifests;
mod objects;
mod parsers;
mod record;
mod reference;
mod report;
mod signatures;
mod source;
