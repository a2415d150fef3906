//! Conditions in the shape of `metav1.Condition`.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Condition messages are for tables and events, not for essays.
const MAX_MESSAGE: usize = 1024;

/// One condition since a moment.
pub(super) fn condition(kind: &str, holds: bool, reason: &str, message: &str, since: Timestamp) -> Condition {
    Condition {
        type_: kind.to_owned(),
        status: if holds { "True" } else { "False" }.to_owned(),
        reason: reason.to_owned(),
        message: message.chars().take(MAX_MESSAGE).collect(),
        last_transition_time: Time(since),
        observed_generation: None,
    }
}
