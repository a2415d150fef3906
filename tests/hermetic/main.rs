//! Every hermetic suite in one binary: link time is paid once.

mod example_jinan;
mod canary;
mod crds;
mod objects;
mod signatures;
