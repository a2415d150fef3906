//! Who leads, decided purely from the Lease as it was read and from how long it has stood unchanged. Other machines'
//! clocks decide nothing: a leader is gone when we have seen no renewal for as long as it promised.

use std::time::Duration;

/// The Lease as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen<'a> {
    /// Who holds it; empty when it was given back.
    pub holder: &'a str,
    /// How long a renewal lasts, as its holder wrote.
    pub lasts: Duration,
    /// How long it has not changed under our eyes.
    pub unchanged: Duration,
}

/// What to do about the Lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// There is none: make it.
    Create,
    /// It is ours: renew it.
    Renew,
    /// It is free, or its holder is gone: take it.
    Take,
    /// Somebody else leads.
    Follow,
}

/// What `me` is to do.
#[must_use]
pub fn decide(lease: Option<Seen<'_>>, me: &str) -> Decision {
    let Some(lease) = lease else { return Decision::Create };
    if lease.holder == me {
        Decision::Renew
    } else if lease.holder.is_empty() || lease.unchanged > lease.lasts {
        Decision::Take
    } else {
        Decision::Follow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_leads_and_the_others_wait_until_it_is_gone() {
        let seen = |holder, unchanged| {
            Some(Seen { holder, lasts: Duration::from_secs(15), unchanged: Duration::from_secs(unchanged) })
        };
        for (lease, decision) in [
            (None, Decision::Create),
            (seen("a", 0), Decision::Renew),
            (seen("a", 99), Decision::Renew),
            (seen("b", 0), Decision::Follow),
            (seen("b", 15), Decision::Follow),
            (seen("b", 16), Decision::Take),
            (seen("", 0), Decision::Take),
        ] {
            assert_eq!(decide(lease, "a"), decision, "{lease:?}");
        }
    }
}
