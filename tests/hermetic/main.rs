//! Every hermetic suite in one binary: link time is paid once.

mod canary;
mod cli;
mod signatures;
