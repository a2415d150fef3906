//! Whether a grant is to have a token, and what stands in the way of one.

use super::super::credentials::Holding;
use super::super::trouble::Trouble;
use super::dereference::Case;
use crate::api::v1alpha1::DataShareRequest;
use crate::judge::facts::Grant;

/// What a grant that decides needs to be given a token.
pub struct Needs<'c> {
    pub grant: &'c Grant,
    pub request: &'c DataShareRequest,
    pub holding: &'c Holding,
}

/// Nothing when it is to have none now.
pub fn validate(case: &Case) -> Result<Option<Needs<'_>>, Trouble> {
    if let Some(why) = &case.unreadable {
        return Err(Trouble::stalled("Invalid", format!("it cannot be read: {why}")));
    }
    let Some(grant) = case.grant.as_deref().filter(|_| case.decides) else { return Ok(None) };
    let Some((request, holding)) = &case.request else {
        return Err(Trouble::waiting("RequestMissing", "its request went away a moment ago"));
    };
    match holding {
        Ok(holding) => Ok(Some(Needs { grant, request, holding })),
        Err(trouble) => Err(trouble.clone()),
    }
}
