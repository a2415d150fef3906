//! What only the provider can mend.

use super::super::trouble::Trouble;
use super::dereference::Case;
use crate::judge::facts::Resource;

/// Nothing when the judge has not heard of it yet.
pub fn validate(case: &Case) -> Result<Option<&Resource>, Trouble> {
    match &case.unreadable {
        Some(why) => Err(Trouble::stalled("Invalid", format!("it cannot be read: {why}"))),
        None => Ok(case.resource.as_ref()),
    }
}
