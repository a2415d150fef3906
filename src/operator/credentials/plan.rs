//! Whether a grant needs a new token, decided purely: from the hashes in its status, from what its consumer holds, and
//! from what the consumer asked for.

use std::fmt::Write as _;

use jiff::Timestamp;
use kube::ResourceExt;
use sha2::{Digest as _, Sha256};

use super::ROTATE;
use crate::api::v1alpha1::DataShareRequest;
use crate::api::v1alpha1::status::CredentialHash;
use crate::api::v1alpha1::validate::syntax;
use crate::judge::facts::Grant;

/// Older hashes that stay beside a new one, however often a consumer asks.
const KEPT: usize = 3;

/// Why a token is minted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The decision has none yet.
    First,
    /// The consumer does not hold the newest one: it was never handed over, or was thrown away.
    Lost,
    /// The request was away and is back, and its Secret had gone with it. Only the hash of the token in there is known.
    Returned,
    /// It is time.
    Due,
    /// The consumer asked for it.
    Asked,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nothing before that time, if ever.
    Keep { next: Option<Timestamp> },
    /// Mint one; these hashes stay beside it.
    Mint { keep: Vec<CredentialHash>, why: Why },
}

/// What a request's annotation asks for, in a form that fits a status.
#[must_use]
pub fn asked(request: &DataShareRequest) -> Option<String> {
    let value = request.annotations().get(ROTATE)?;
    let mut text = String::with_capacity(32);
    for byte in Sha256::digest(value.as_bytes()).iter().take(16) {
        // a String takes everything
        let _ = write!(text, "{byte:02x}");
    }
    Some(text)
}

/// `request` is the UID of the request as it is now; `holds` says whether the consumer holds the token of a hash.
#[must_use]
pub fn plan(
    hashes: &[CredentialHash],
    grant: &Grant,
    request: Option<&str>,
    asked: Option<&str>,
    holds: impl Fn(&CredentialHash) -> bool,
    now: Timestamp,
) -> Plan {
    let begins = |hash: &CredentialHash| syntax::time(&hash.not_before);
    let live = |hash: &&CredentialHash| {
        hash.serial.as_deref() == Some(&*grant.serial) && syntax::time(&hash.not_after).is_some_and(|end| now < end)
    };
    // of two from one second the later in the list is the newer
    let mut own: Vec<CredentialHash> = hashes.iter().filter(live).cloned().collect();
    own.sort_by_key(begins);
    let Some((newest, begun)) = own.last().and_then(|newest| Some((newest.clone(), begins(newest)?))) else {
        return Plan::Mint { keep: Vec::new(), why: Why::First };
    };
    let (rotate_by, _) = grant.rotation.of(begun, grant.not_after);
    let kept = |list: &[CredentialHash]| list.iter().rev().take(KEPT).rev().cloned().collect::<Vec<_>>();
    if !holds(&newest) {
        // whoever took a token out of the Secret before may use it as long as it lasts: it was the same request
        if newest.request_uid.is_some() && newest.request_uid.as_deref() != request {
            return Plan::Mint { keep: kept(&own), why: Why::Returned };
        }
        own.pop();
        return Plan::Mint { keep: kept(&own), why: Why::Lost };
    }
    if asked.is_some() && asked != newest.asked.as_deref() {
        let overlap = now.checked_add(grant.rotation.overlap).unwrap_or(Timestamp::MAX);
        for hash in &mut own {
            if syntax::time(&hash.not_after).is_none_or(|end| overlap < end) {
                hash.not_after = Timestamp::from_second(overlap.as_second()).unwrap_or(overlap).to_string();
            }
        }
        return Plan::Mint { keep: kept(&own), why: Why::Asked };
    }
    // the last token of a grant ends with it
    if rotate_by >= grant.not_after {
        return Plan::Keep { next: None };
    }
    if rotate_by <= now {
        return Plan::Mint { keep: kept(&own), why: Why::Due };
    }
    Plan::Keep { next: Some(rotate_by) }
}

#[cfg(test)]
mod tests;
