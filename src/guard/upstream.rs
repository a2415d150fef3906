//! The provider's side of a call: one request in our own words, one bounded answer, or the reason why
//! there is none. Nothing of the caller's message is passed on but the values of declared parameters
//! and two well-formed context headers.

mod answer;
mod base;
mod connect;
mod exchange;
mod failure;
mod pool;
mod request;
mod route;
mod routes;
mod secrets;
mod tls;

pub use answer::Fetched;
pub use exchange::Exchange;
pub use request::Outgoing;
pub use routes::{Resolver, Routes};
pub use secrets::{ClusterSecrets, Secrets};
