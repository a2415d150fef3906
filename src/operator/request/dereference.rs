//! A request and how the judge sees it.

use jiff::Timestamp;

use super::super::context::Context;
use super::super::fetch::fetch;
use super::super::trouble::Trouble;
use crate::api::v1alpha1::status::{DataShareRequestStatus, Phase};
use crate::api::v1alpha1::{DataShareRequest, Kind};
use crate::judge::facts::Key;

/// A request with what decides on it.
pub struct Case {
    pub object: DataShareRequest,
    /// Nothing when the judge does not have it.
    pub status: Option<DataShareRequestStatus>,
    pub unreadable: Option<String>,
    /// The identity of the token that its consumer was seen to hold, where it was looked.
    pub handed: Option<String>,
    /// When it expires if nobody decides.
    pub ends: Option<Timestamp>,
}

impl Case {
    /// Whether what was decided is over for good.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let phase = self.status.as_ref().and_then(|status| status.phase);
        matches!(phase, Some(Phase::Revoked | Phase::Superseded | Phase::Expired | Phase::Denied))
    }
}

/// Nothing when the request is not there.
pub async fn dereference(context: &Context, key: &Key) -> Result<Option<Case>, Trouble> {
    let Some(object) = fetch(context, Kind::DataShareRequest, key).await? else { return Ok(None) };
    let (status, decision, ends) = context.settled(|view| {
        let ends = view.index.request(key).map(|request| view.index.site().end_of(request.not_after));
        (view.request(key), view.deciding(key), ends.filter(|at| *at > view.now))
    })?;
    let handed = decision.and_then(|(grant, _)| context.handed(&grant));
    let unreadable = context.unreadable(Kind::DataShareRequest, key);
    Ok(Some(Case { object, status, unreadable, handed, ends }))
}
