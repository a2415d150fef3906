//! Counting approvals: which signatures count, and whether they are enough.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::{Evidence, Outcome, refuse};
use crate::api::v1alpha1::access_grant::Decision;
use crate::approval::sshsig::KeyId;
use crate::judge::facts::Signed;
use crate::judge::reason::Reason;

/// The approvals of a grant, sorted out.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Role and principal of those that count.
    pub valid: Vec<(Arc<str>, Arc<str>)>,
    /// Position in the grant and what is wrong with those that do not.
    pub flaws: Vec<Flaw>,
    /// Roles that still need signatures: role, how many, from whom.
    pub missing: Vec<(String, usize, Vec<String>)>,
    /// The earliest that counts.
    pub earliest: Option<Timestamp>,
    /// The latest that counts.
    pub latest: Option<Timestamp>,
}

/// An approval that does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    pub position: usize,
    pub principal: Arc<str>,
    pub message: String,
    /// Time alone will mend it.
    pub future: bool,
}

impl Counted {
    /// Whether every role has its threshold.
    #[must_use]
    pub fn enough(&self) -> bool {
        self.missing.is_empty() && !self.valid.is_empty()
    }
}

pub(super) fn count(e: &Evidence<'_>) -> Counted {
    let mut counted = Counted::default();
    let mut sound: Vec<(&Signed, KeyId)> = Vec::new();
    for (position, approval) in e.grant.approvals.iter().enumerate() {
        match flaw(e, approval) {
            Ok(key) => sound.push((approval, key)),
            Err(message) => {
                let future = approval.approved_at > e.now;
                counted.flaws.push(Flaw { position, principal: approval.principal.clone(), message, future });
            }
        }
    }
    counted.valid = sound.iter().map(|(a, _)| (a.role.clone(), a.principal.clone())).collect();
    counted.earliest = sound.iter().map(|(a, _)| a.approved_at).min();
    counted.latest = sound.iter().map(|(a, _)| a.approved_at).max();
    for rule in e.resource.iter().flat_map(|resource| &resource.spec.approval) {
        let needed = usize::try_from(rule.threshold.unwrap_or(1)).unwrap_or(usize::MAX);
        let signatures: Vec<_> = sound.iter().filter(|(a, _)| *a.role == *rule.role).copied().collect();
        let have = people(&signatures);
        if have < needed {
            let open = rule.principals.iter().filter(|p| !sound.iter().any(|(a, _)| *a.principal == ***p));
            counted.missing.push((rule.role.clone(), needed - have, open.cloned().collect()));
        }
    }
    counted
}

/// How many distinct principals signed with distinct keys: the largest matching of the two. Counting
/// in the order of the file instead would let a removed signature open a grant.
fn people(signatures: &[(&Signed, KeyId)]) -> usize {
    let mut owner: HashMap<KeyId, &str> = HashMap::new();
    let mut principals: Vec<&str> = signatures.iter().map(|(a, _)| &*a.principal).collect();
    principals.sort_unstable();
    principals.dedup();
    principals.iter().filter(|p| claim(p, signatures, &mut owner, &mut HashSet::new())).count()
}

/// Finds a key for `principal`, moving others to another key of theirs where that makes room.
fn claim<'a>(
    principal: &'a str,
    signatures: &[(&'a Signed, KeyId)],
    owner: &mut HashMap<KeyId, &'a str>,
    tried: &mut HashSet<KeyId>,
) -> bool {
    for (_, key) in signatures.iter().filter(|(a, _)| &*a.principal == principal) {
        if !tried.insert(*key) {
            continue;
        }
        let free = match owner.get(key).copied() {
            None => true,
            Some(other) => claim(other, signatures, owner, tried),
        };
        if free {
            owner.insert(*key, principal);
            return true;
        }
    }
    false
}

/// The key of an approval that counts, or why it does not.
fn flaw(e: &Evidence<'_>, approval: &Signed) -> Result<KeyId, String> {
    let principal = &approval.principal;
    let by = match &approval.by {
        Ok(by) => by,
        Err(error) => return Err(format!("the signature of {principal} does not fit these terms: {error}")),
    };
    if let Err(error) = e.signers.check(principal, &by.key, approval.approved_at) {
        return Err(format!("the signature of {principal} does not count: {error}"));
    }
    if approval.approved_at > e.now {
        return Err(format!("the approval of {principal} is dated in the future ({})", approval.approved_at));
    }
    let (Some(request), Some(resource)) = (e.request, e.resource) else {
        return Err(format!("the approval of {principal} cannot be judged without request and resource"));
    };
    if approval.approved_at < e.site.start_of(request.date) {
        return Err(format!("the approval of {principal} is older than the request ({})", request.date));
    }
    let rule = resource.spec.approval.iter().find(|rule| *rule.role == *approval.role);
    if !rule.is_some_and(|rule| rule.principals.iter().any(|p| **p == **principal)) {
        return Err(format!("{principal} is not listed for the role {} in the resource", approval.role));
    }
    if **principal == *request.received_by {
        return Err(format!("{principal} received the request and may not approve it (clause 4.2.6)"));
    }
    let elsewhere = e.grant.approvals.iter().find(|other| {
        let key = other.by.as_ref().is_ok_and(|o| o.key == by.key);
        let signed =
            other.by.as_ref().is_ok_and(|o| e.signers.check(&other.principal, &o.key, other.approved_at).is_ok());
        other.role != approval.role && signed && (key || other.principal == *principal)
    });
    if let Some(other) = elsewhere {
        return Err(format!(
            "{principal} or the same key has also signed as {}; each role needs its own people and keys, so neither counts",
            other.role
        ));
    }
    Ok(by.key)
}

pub(super) fn are_enough(e: &Evidence<'_>) -> Outcome {
    let counted = super::approvals(e);
    if counted.enough() && e.grant.decision == Decision::Approved {
        return Ok(());
    }
    if let Some(flaw) = counted.flaws.iter().find(|flaw| !flaw.future).or_else(|| counted.flaws.first()) {
        return refuse(Reason::ApprovalInvalid, flaw.message.clone());
    }
    let open: Vec<String> = counted
        .missing
        .iter()
        .map(|(role, count, from)| format!("{count} more as {role} (from {})", from.join(", ")))
        .collect();
    refuse(Reason::Pending, format!("signatures are missing: {}", open.join("; ")))
}
