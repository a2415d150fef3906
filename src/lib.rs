//! Governed data sharing between departments: signed approvals in, filtered and recorded answers out.

pub mod api;
pub mod cli;
pub mod clock;
pub mod random;
pub mod redacted;
