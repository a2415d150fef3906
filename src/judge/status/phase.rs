//! Where a request stands, told by the grant that decides on it.

use crate::api::v1alpha1::status::Phase;
use crate::judge::index::Standing;
use crate::judge::reason::Reason;

/// The phase that a decision gives its request. `fully_signed`: every role has signed.
#[must_use]
pub fn phase(standing: &Standing, fully_signed: bool) -> Phase {
    match standing {
        Standing::Serves => Phase::Granted,
        Standing::Refused(finding) => match finding.reason {
            Reason::Revoked | Reason::UnitRevoked | Reason::SystemRevoked => Phase::Revoked,
            Reason::Superseded => Phase::Superseded,
            Reason::Expired => Phase::Expired,
            Reason::Denied => Phase::Denied,
            // the decision was taken on another request, or on none that is there
            Reason::RequestChanged | Reason::RequestMissing | Reason::Pending | Reason::ApprovalInvalid => {
                Phase::Pending
            }
            // decided, and suspended or not begun
            _ if fully_signed => Phase::Granted,
            _ => Phase::Pending,
        },
    }
}

/// Of several decisions on one request, which one its status tells of: the higher, the better.
pub(super) fn rank(phase: Phase, serves: bool) -> u8 {
    match phase {
        Phase::Granted if serves => 7,
        Phase::Granted => 6,
        Phase::Pending => 5,
        Phase::Revoked => 4,
        Phase::Superseded => 3,
        Phase::Denied => 2,
        Phase::Expired => 1,
    }
}
