//! Whether a grant needs a new token; pure.

use jiff::Timestamp;

use super::super::credentials::{Plan, asked, plan};
use super::dereference::Case;
use super::validate::Needs;

pub fn build(case: &Case, needs: &Needs<'_>, now: Timestamp) -> Plan {
    let asked = asked(needs.request);
    let uid = needs.request.metadata.uid.as_deref();
    plan(&case.hashes, needs.grant, uid, asked.as_deref(), |hash| needs.holding.is(hash), now)
}
