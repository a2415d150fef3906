//! What keeps an object from being as it should, sorted by who must act: the class decides condition, event and when
//! it is tried again.

use crate::random::RandomError;

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A person: nothing is tried again before something changes.
    Stalled,
    /// Something else that is on its way.
    Waiting,
    /// Nobody: it is tried again, later and later.
    Retry,
}

/// Why an object is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    pub class: Class,
    pub reason: &'static str,
    pub message: String,
}

impl Trouble {
    pub fn stalled(reason: &'static str, message: impl Into<String>) -> Self {
        Self { class: Class::Stalled, reason, message: message.into() }
    }

    pub fn waiting(reason: &'static str, message: impl Into<String>) -> Self {
        Self { class: Class::Waiting, reason, message: message.into() }
    }

    pub fn retry(reason: &'static str, message: impl Into<String>) -> Self {
        Self { class: Class::Retry, reason, message: message.into() }
    }

    /// Whether somebody else wrote first. What was read is old then, and no more than that.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.reason == CONFLICT
    }

    /// The world is in the middle of a change: to be looked at again in a moment.
    pub fn unsettled() -> Self {
        Self::retry(UNSETTLED, "the world is changing")
    }

    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.reason == UNSETTLED
    }

    /// Whether we lack the right to do it.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.reason == FORBIDDEN
    }
}

const CONFLICT: &str = "Conflict";
const UNSETTLED: &str = "Unsettled";
const FORBIDDEN: &str = "Forbidden";

impl From<kube::Error> for Trouble {
    fn from(error: kube::Error) -> Self {
        let kube::Error::Api(status) = &error else { return Self::retry("Unreachable", error.to_string()) };
        let message = format!("the API server says: {}", status.message);
        if status.is_conflict() || status.is_already_exists() {
            Self::retry(CONFLICT, message)
        } else if status.is_forbidden() {
            Self::retry(FORBIDDEN, message)
        } else if status.is_invalid() {
            Self::stalled("Refused", message)
        } else {
            Self::retry("Unreachable", message)
        }
    }
}

impl From<RandomError> for Trouble {
    fn from(error: RandomError) -> Self {
        Self::retry("NoRandomness", error.to_string())
    }
}
