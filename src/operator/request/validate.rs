//! What only the applicant can mend.

use super::super::trouble::Trouble;
use super::dereference::Case;

pub fn validate(case: &Case) -> Result<(), Trouble> {
    match &case.unreadable {
        Some(why) => Err(Trouble::stalled("Invalid", format!("it cannot be read: {why}"))),
        None => Ok(()),
    }
}
