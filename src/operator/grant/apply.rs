//! Mints what is to be minted, and hands it over.

use jiff::Timestamp;
use kube::Resource;

use super::super::context::Context;
use super::super::credentials::{self, Plan, Why};
use super::super::events;
use super::super::fetch::is_current;
use super::super::trouble::Trouble;
use super::dereference::Case;
use super::validate::Needs;
use crate::api::v1alpha1::{AccessGrant, Kind};

/// The grant as it is now, and when its token is due.
pub struct Applied {
    pub object: AccessGrant,
    pub next: Option<Timestamp>,
}

pub async fn apply(context: &Context, case: &Case, needs: &Needs<'_>, plan: Plan) -> Result<Applied, Trouble> {
    let Needs { grant, request, holding } = needs;
    let key = &grant.key;
    let (object, next) = match plan {
        Plan::Keep { next } => {
            holding.adopt(context, request).await?;
            (case.object.clone(), next)
        }
        Plan::Mint { keep, why } => {
            // a Secret that went with its request was not lost: its token works as long as it lasts
            if why == Why::Lost && !is_current(context, *request).await? {
                return Err(Trouble::unsettled());
            }
            let minted = credentials::mint(context, case.object.clone(), grant, request, holding, keep).await?;
            let note = match why {
                Why::First => "its first token was minted",
                Why::Lost => "the consumer did not hold the newest token, so another was minted in its place",
                Why::Returned => {
                    "its request was away and is back, and the Secret had gone with it: another token was minted; \
                     the one before works as long as it lasts"
                }
                Why::Due => "it was time for a new token; the old one works until its overlap is over",
                Why::Asked => "the consumer asked for a new token; the old one works until its overlap is over",
            };
            let about = minted.object_ref(&());
            events::publish(context, &about, vec![events::event(true, "TokenMinted", note)]).await;
            let (rotate_by, _) = grant.rotation.of(context.clock.now(), grant.not_after);
            (minted, Some(rotate_by))
        }
    };
    let hashes = object.status.as_ref().and_then(|status| status.credentials.as_deref()).unwrap_or_default();
    let own = hashes.iter().rev().find(|hash| hash.serial.as_deref() == Some(&*grant.serial));
    if let Some(newest) = own
        && context.handed(key).as_deref() != Some(newest.id.as_str())
    {
        context.hand(key, newest.id.clone());
        context.touch(Kind::DataShareRequest, grant.request.clone());
    }
    Ok(Applied { object, next })
}
