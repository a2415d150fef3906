//! Every hermetic suite in one binary: link time is paid once.

mod approving;
mod canary;
mod signatures;
