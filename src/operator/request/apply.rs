//! Takes the Secret of an ended request away.

use super::super::context::Context;
use super::super::credentials::Holding;
use super::super::trouble::Trouble;
use super::build::Plan;
use super::dereference::Case;

pub async fn apply(context: &Context, case: &Case, plan: Plan) -> Result<(), Trouble> {
    match plan {
        Plan::Leave => Ok(()),
        Plan::Remove => Holding::look(context, &case.object).await?.remove(context, &case.object).await,
    }
}
