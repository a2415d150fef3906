//! Questions: whose token is this, may the call still be released, how does a grant stand.

use std::sync::Arc;

use jiff::Timestamp;

use super::seats::SeatNumber;
use super::{Index, Issued, Slot, Standing, TokenHash};
use crate::judge::bars::Caller;
use crate::judge::facts::{Grant, Key};
use crate::judge::permit::{Credential, Door, Holder, Permit};
use crate::judge::reason::Reason;
use crate::judge::refusal::{Code, Refusal};
use crate::judge::served::Served;
use crate::judge::verdict::{self, Counted, Finding, Verdict};

impl Index {
    /// Makes tokens of a decision known.
    pub fn add_credentials(
        &mut self,
        grant: &Key,
        serial: &Arc<str>,
        credentials: impl IntoIterator<Item = (TokenHash, Credential)>,
    ) {
        // a new decision under the same name has its own tokens: the old ones may have leaked
        let seat = self.grants.keep(grant, serial);
        for (hash, credential) in credentials {
            let credential = Arc::new(credential);
            if let Some((other, claimed)) = self.tokens.insert(hash, (seat, credential.clone())) {
                self.grants.unpoint(other, &claimed);
            }
            self.grants.point(seat, &credential);
        }
    }

    /// Makes these the only tokens of a grant: those that the last call of this made known are unknown from now on.
    pub fn replace_credentials(&mut self, grant: &Key, credentials: impl IntoIterator<Item = Issued>) {
        for hash in self.issued.remove(grant).unwrap_or_default() {
            // one that another grant has claimed since is that one's
            if self.tokens.get(&hash).is_some_and(|(seat, _)| self.grants.is_of(grant, *seat))
                && let Some((seat, credential)) = self.tokens.remove(&hash)
            {
                self.grants.unpoint(seat, &credential);
            }
        }
        let mut hashes = Vec::new();
        for Issued { serial, hash, credential } in credentials {
            self.add_credentials(grant, &serial, [(hash, credential)]);
            hashes.push(hash);
        }
        if !hashes.is_empty() {
            self.issued.insert(grant.clone(), hashes);
        }
    }

    /// The newest token of a grant that is there.
    #[must_use]
    pub fn newest_token(&self, grant: &Key) -> Option<&Credential> {
        self.grants.token(grant).map(|token| &**token)
    }

    /// Some of the grants: those in so many places from this one on; nothing behind the last place. For whoever looks at
    /// all of them and must not keep anybody waiting meanwhile.
    #[must_use]
    pub fn some_grants(&self, from: usize, many: usize) -> Option<impl Iterator<Item = &Arc<Grant>>> {
        Some(self.grants.some(from, many)?.map(|slot| &slot.grant))
    }

    /// Whose token this is. Unknown tokens and those of absent grants are alike.
    #[must_use]
    pub fn identify(&self, hash: &TokenHash, user: Option<&str>, now: Timestamp) -> Option<Holder> {
        let (seat, credential) = self.tokens.get(hash)?;
        let door = match self.open(*seat, credential, user, now) {
            Ok(Some(served)) => Door::Open(served.clone()),
            closed => {
                let slot = self.grants.at(*seat)?;
                let refusal = closed.err().unwrap_or_else(|| shut(slot, credential, now));
                let request = self.requests.get(&slot.grant.request).cloned();
                Door::Shut { grant: slot.grant.clone(), request, refusal }
            }
        };
        Some(Holder { seat: *seat, credential: credential.clone(), door })
    }

    /// Whether a permit given before still holds: asked again before anything is recorded or released.
    pub fn still(&self, permit: &Permit, now: Timestamp) -> Result<(), Refusal> {
        let gone = || Refusal::new(Code::GrantSuspended, "the grant was taken away while the call was open");
        let slot = self.grants.at(permit.seat()).ok_or_else(gone)?;
        if slot.grant.terms != permit.served().grant.terms {
            return Err(gone());
        }
        match self.open(permit.seat(), permit.credential(), permit.user(), now)? {
            Some(_) => Ok(()),
            None => Err(shut(slot, permit.credential(), now)),
        }
    }

    /// The grant on a seat ready to serve this credential now; nothing when verdict or time forbid it, and
    /// the refusal when a bar does.
    fn open(
        &self,
        seat: SeatNumber,
        credential: &Credential,
        user: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<&Arc<Served>>, Refusal> {
        // time does not wait for the timer that judges again
        let in_time =
            |served: &&Arc<Served>| served.not_before <= now && now < served.not_after && works(credential, now);
        let Some(served) = self.grants.served(seat).filter(in_time) else { return Ok(None) };
        let caller = Caller {
            namespace: &served.grant.key.namespace,
            resource: &served.grant.resource,
            unit: &served.request.unit.code,
            system: &served.request.system,
            user,
            earliest_approval: Some(served.approved),
        };
        self.bars.against(&caller).map_or(Ok(Some(served)), Err)
    }

    /// How a grant stands, for people.
    #[must_use]
    pub fn standing(&self, key: &Key, now: Timestamp) -> Option<Standing> {
        let slot = self.grants.get(key)?;
        if let Verdict::Refused(finding) = &slot.verdict {
            return Some(Standing::Refused(finding.clone()));
        }
        let free = Credential {
            id: "".into(),
            not_before: Timestamp::MIN,
            not_after: Timestamp::MAX,
            rotate_by: Timestamp::MAX,
        };
        let refusal = match self.open(self.grants.number(key)?, &free, None, now) {
            Ok(Some(_)) => return Some(Standing::Serves),
            Ok(None) => shut(slot, &free, now),
            Err(refusal) => refusal,
        };
        let reason = match refusal.code {
            Code::UnitRevoked => Reason::UnitRevoked,
            Code::SystemRevoked => Reason::SystemRevoked,
            Code::GrantExpired => Reason::Expired,
            _ => Reason::NotYetValid,
        };
        Some(Standing::Refused(Finding { reason, message: refusal.detail.into_owned() }))
    }

    /// The approvals of a grant, sorted out.
    #[must_use]
    pub fn approvals(&self, key: &Key, now: Timestamp) -> Option<Counted> {
        let slot = self.grants.get(key)?;
        Some(verdict::approvals(&self.evidence(&slot.grant, now)).clone())
    }

    /// The grant ready to serve, for tables and introspection.
    #[must_use]
    pub fn served(&self, key: &Key) -> Option<&Arc<Served>> {
        self.grants.served(self.grants.number(key)?)
    }
}

/// Why a grant or credential opens nothing now. What is final comes first, an old credential before what may change.
fn shut(slot: &Slot, credential: &Credential, now: Timestamp) -> Refusal {
    let refused = |reason: Reason, message: String| Refusal::new(reason.code(), message);
    let grant = &slot.grant;
    match &slot.verdict {
        Verdict::Refused(f) if matches!(f.reason, Reason::Revoked | Reason::Superseded | Reason::Expired) => {
            refused(f.reason, f.message.clone())
        }
        _ if now >= grant.not_after => refused(Reason::Expired, format!("ended at {}", grant.not_after)),
        _ if !works(credential, now) => {
            Refusal::new(Code::CredentialExpired, "fetch the current token; the old one's overlap is over")
        }
        Verdict::Refused(finding) => refused(finding.reason, finding.message.clone()),
        Verdict::Serves { .. } => refused(Reason::NotYetValid, format!("begins at {}", grant.not_before)),
    }
}

fn works(credential: &Credential, now: Timestamp) -> bool {
    credential.not_before <= now && now < credential.not_after
}
