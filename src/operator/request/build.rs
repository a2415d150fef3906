//! What is to become of a request's Secret; pure. The grant's controller writes it, this one takes it away.

use super::dereference::Case;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    Leave,
    /// What is in the Secret opens nothing any more.
    Remove,
}

pub fn build(case: &Case) -> Plan {
    let credential = case.object.status.as_ref().and_then(|status| status.credential.as_ref());
    let in_secret = credential.is_some_and(|credential| credential.secret_name.is_some());
    if in_secret && case.has_ended() { Plan::Remove } else { Plan::Leave }
}
