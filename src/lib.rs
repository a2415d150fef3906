//! Governed data sharing between departments: signed approvals in, filtered and recorded answers out.

pub mod api;
pub mod approval;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod delivery;
pub mod fields;
pub mod guard;
pub mod judge;
pub mod observe;
pub mod operator;
pub mod random;
pub mod redacted;
pub mod settings;
pub mod source;
pub mod telemetry;
