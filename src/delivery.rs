//! What reaches a consumer and must outlive the process: the state directory and its journals.

pub mod credentials;
pub mod journal;
pub mod secrets;
pub mod state_dir;
pub mod token;
pub mod tombstones;
