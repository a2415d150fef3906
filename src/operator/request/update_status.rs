//! What a request's status says: the judge's word, and how the credential was handed over.

use super::super::context::Context;
use super::super::credentials::secret_name;
use super::super::report::{invalid, report};
use super::super::trouble::Trouble;
use super::dereference::Case;
use crate::api::v1alpha1::Kind;
use crate::api::v1alpha1::status::IssuedCredential;
use crate::judge::facts::Key;

pub async fn update_status(
    context: &Context,
    key: &Key,
    case: &Case,
    trouble: Option<&Trouble>,
) -> Result<bool, Trouble> {
    let mut fresh = match (&case.unreadable, &case.status) {
        (Some(why), _) => invalid(why, context.clock.now()),
        (None, Some(fresh)) => fresh.clone(),
        // the judge has not heard of it yet
        (None, None) => return Ok(false),
    };
    fresh.credential = credential(case, fresh.credential.take());
    report(context, Kind::DataShareRequest, key, case.object.clone(), fresh, trouble).await
}

/// How the newest token was handed over. What nobody was seen to hold is not told of.
fn credential(case: &Case, newest: Option<IssuedCredential>) -> Option<IssuedCredential> {
    let before = case.object.status.as_ref().and_then(|status| status.credential.clone());
    let Some(newest) = newest else {
        // suspended only: the token works again when what was signed is back
        return before.filter(|_| !case.has_ended());
    };
    let shown = before.as_ref().is_some_and(|before| before.id == newest.id);
    match &case.object.metadata.name {
        // the grant's controller posted it there
        _ if case.object.spec.applicant.recipient.is_some() => before,
        Some(name) if shown || case.handed == newest.id => {
            Some(IssuedCredential { secret_name: Some(secret_name(name)), ..newest })
        }
        _ => before,
    }
}
