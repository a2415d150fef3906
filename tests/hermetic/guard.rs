//! The guard over real sockets, with a real upstream: every way a call can end, and everything that
//! either side may send.

mod codes;
mod hostile_caller;
mod hostile_upstream;
mod lifecycle;
mod observed;
mod protocols;
mod recorded;
mod talk;
mod upstream;
mod world;
