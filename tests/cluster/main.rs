//! Every suite that needs a real API server, in one binary: the control plane is started once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    // test helpers are called for their effect; their ergonomics matter more than a copy
    clippy::needless_pass_by_value,
    clippy::duration_suboptimal_units,
)]

mod admission;
mod charts;
mod control_plane;
#[path = "../hermetic/objects/corpus.rs"]
mod corpus;
mod definitions;
mod digests;
mod faults;
mod gateways;
mod gitops;
mod guard;
mod harness;
mod objects;
mod operator;
mod outage;
mod personas;
mod pods;
mod proxy;
mod source;
mod transitions;
