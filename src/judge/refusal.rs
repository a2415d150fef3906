//! Refusals: the closed set of codes a caller can act on (`enforcement.md`).

use std::borrow::Cow;

macro_rules! codes {
    ($($name:ident $status:literal $code:literal $title:literal;)*) => {
        /// Why a call is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($name),* }

        impl Code {
            /// Every code, in the order of the contract.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code as callers see it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// HTTP status that goes with it.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            /// One line for a person.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }
        }
    };
}

codes! {
    RequestInvalid 400 "request-invalid" "The request is not one the guard reads";
    ParameterRefused 400 "parameter-refused" "A parameter is missing, doubled, undeclared or malformed";
    UserRequired 400 "user-required" "The call must name its user";
    CaseRequired 400 "case-required" "The call must name its case";
    ConsentRequired 400 "consent-required" "The call must name the consent it rests on";
    CredentialMissing 401 "credential-missing" "No credential was given";
    CredentialInvalid 401 "credential-invalid" "The credential is not known";
    CredentialExpired 401 "credential-expired" "The credential has been rotated out";
    GrantNotYetValid 403 "grant-not-yet-valid" "The grant has not begun";
    GrantExpired 403 "grant-expired" "The grant has ended";
    GrantRevoked 403 "grant-revoked" "The grant was revoked";
    GrantSuspended 403 "grant-suspended" "The grant does not stand at the moment";
    GrantSuperseded 403 "grant-superseded" "The grant was replaced by a newer one";
    UnitRevoked 403 "unit-revoked" "The unit may not use this data any more";
    SystemRevoked 403 "system-revoked" "The system may not use this data any more";
    PersonRevoked 403 "person-revoked" "The person may not use this data any more";
    SourceRefused 403 "source-refused" "The call comes from an address the request does not name";
    OperationNotGranted 403 "operation-not-granted" "The grant does not cover this operation";
    UserRefused 403 "user-refused" "The grant does not cover this user";
    UpstreamNotFound 404 "upstream-not-found" "The provider has no such record";
    QuotaExceeded 429 "quota-exceeded" "The grant's ceiling of calls is reached";
    UpstreamUnreachable 502 "upstream-unreachable" "The provider cannot be reached";
    UpstreamStatus 502 "upstream-status" "The provider did not answer the call";
    UpstreamInvalid 502 "upstream-invalid" "The provider's answer is not what was agreed";
    ResponseTooLarge 502 "response-too-large" "The provider's answer is larger than allowed";
    ViewStale 503 "view-stale" "The guard's view is too old to decide";
    RecordUnavailable 503 "record-unavailable" "The call cannot be recorded";
    UpstreamTimeout 504 "upstream-timeout" "The provider did not answer in time";
}

/// A code and what it means here, without any value the caller or the provider sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: Code,
    pub detail: Cow<'static, str>,
}

impl Refusal {
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into() }
    }
}
