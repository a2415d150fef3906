//! What was approved, by whom: canonical bytes and digests of what was written, SSH signatures over
//! them, and the list of who may sign. Deciding here is pure; only [`signing`] touches key files and
//! ssh-agent, and only a person's command calls it.

pub mod canonical;
pub mod digests;
pub mod signers;
pub mod signing;
pub mod sshsig;
pub mod statement;

/// SSHSIG namespace of every approval: a signature made for mail, Git or a file means nothing here.
pub const NAMESPACE: &str = "approval@datashare.dev";
