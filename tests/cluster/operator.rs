//! The operator against a real API server, as a service account with exactly the rights it needs: what follows from a
//! signed decision, what survives crashes, deletions and restarts, and what others cannot make it believe.

mod admitted;
mod archive;
mod crash;
pub mod credentials;
mod deletion;
mod enforcement;
mod example;
mod faults;
mod hostile;
mod inspected;
mod leadership;
mod record_keys;
mod rights;
mod rotation;
mod routes;
mod scene;
mod served;
mod tombstones;
mod who_can;
pub mod world;
