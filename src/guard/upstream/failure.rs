//! Why there is no answer to project, and what the caller is told. Nothing of the upstream's own
//! words is among it.

use crate::judge::refusal::{Code, Refusal};

/// How an exchange with the upstream failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("the provider's system cannot be reached")]
    Unreachable,
    #[error(
        "the guard's own access to the provider is not set up; the operator of the guard finds the cause in its log"
    )]
    NotSetUp,
    #[error("the provider's system did not answer in time")]
    Timeout,
    #[error("the provider's system has no such record")]
    NotFound,
    #[error("the provider's system answered with status {0}")]
    Status(u16),
    #[error("the provider's system sent no JSON content type")]
    ContentType,
    #[error("the provider's system sent an encoded body although none was asked for")]
    Encoded,
    #[error("the provider's system broke off its answer, or it is not HTTP")]
    Broken,
    #[error("the provider's answer is larger than the resource allows")]
    TooLarge,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let code = match failure {
            Failure::Unreachable | Failure::NotSetUp => Code::UpstreamUnreachable,
            Failure::Timeout => Code::UpstreamTimeout,
            Failure::NotFound => Code::UpstreamNotFound,
            Failure::Status(_) => Code::UpstreamStatus,
            Failure::ContentType | Failure::Encoded | Failure::Broken => Code::UpstreamInvalid,
            Failure::TooLarge => Code::ResponseTooLarge,
        };
        Self::new(code, failure.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_name_the_status_and_nothing_else_of_the_upstreams() {
        let refusal = Refusal::from(Failure::Status(500));
        assert_eq!(refusal.code, Code::UpstreamStatus);
        assert_eq!(refusal.detail, "the provider's system answered with status 500");
    }
}
