//! The guard over real sockets, with a real upstream: every way a call can end, and everything that
//! either side may send.

mod codes;
mod disk;
mod frames;
mod hostile_caller;
mod hostile_http2;
mod hostile_upstream;
mod keeping;
mod lifecycle;
mod observed;
mod protocols;
mod recorded;
mod running;
pub mod site;
mod smuggling;
pub mod talk;
pub mod upstream;
pub mod world;
