//! How much each grant was used, from the record alone: what `get` shows, and what a guard's daily
//! quotas go on from after a restart. Reads no further back than asked.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use jiff::Timestamp;
use memchr::memmem::Finder;
use rayon::prelude::*;
use serde::Deserialize;

use crate::audit::encode::time_text;
use crate::audit::event::{Event, Outcome};
use crate::audit::filter::time_of;
use crate::audit::query::{self, Piece, Places, QueryError, Summary};

/// Grants that are told apart; far more than a site has.
const MOST_GRANTS: usize = 1 << 20;

/// The use of one grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantUsage {
    /// The time of its newest admitted call.
    pub last_used: Timestamp,
    /// Calls admitted today: released or failed.
    pub today: u64,
}

/// Use by grant.
#[derive(Debug, Default)]
pub struct Usage {
    /// By `namespace/name`.
    grants: HashMap<String, GrantUsage>,
    /// What the reading itself met; `found` counts admitted calls.
    pub summary: Summary,
}

/// As much of an entry as is counted.
#[derive(Deserialize)]
struct Call<'a> {
    time: Timestamp,
    event: Event,
    #[serde(borrow)]
    grant: Option<Grant<'a>>,
    outcome: Option<Outcome>,
}

#[derive(Deserialize)]
struct Grant<'a> {
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

impl Usage {
    /// Reads the record of admitted calls from `back_to` on and counts those since `midnight`. For
    /// quotas alone, `back_to` is `midnight`.
    pub fn read(log: &Path, midnight: Timestamp, back_to: Timestamp) -> Result<Self, QueryError> {
        let back_to = back_to.min(midnight);
        query::pieces(&Places::log(log)?, Some(back_to), None, None)?
            .par_iter()
            .map(|piece| Self::of_piece(piece, midnight, back_to))
            .try_reduce(Self::default, |a, b| Ok(a.and(b)))
    }

    /// The use of a grant, if it was used in the time that was read.
    #[must_use]
    pub fn of(&self, namespace: &str, name: &str) -> Option<GrantUsage> {
        self.grants.get(&format!("{namespace}/{name}")).copied()
    }

    /// Namespace, name and use of all grants that were used.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, GrantUsage)> {
        self.grants.iter().filter_map(|(grant, usage)| grant.split_once('/').map(|(at, name)| (at, name, *usage)))
    }

    fn of_piece(piece: &Piece, midnight: Timestamp, back_to: Timestamp) -> Result<Self, QueryError> {
        let earliest = time_text(back_to);
        let word = Finder::new("\"event\":\"call\"");
        let mut usage = Self::default();
        let mut grant = String::new();
        let summary = query::each_line(&piece.segment, &mut |line| {
            if time_of(line).ok_or(())? < earliest || word.find(line).is_none() {
                return Ok(());
            }
            let call: Call<'_> = serde_json::from_slice(line).map_err(|_| ())?;
            let admitted = matches!(call.outcome, Some(Outcome::Released | Outcome::Failed));
            if let (Event::Call, true, Some(by)) = (call.event, admitted, call.grant) {
                grant.clear();
                // writing into memory cannot fail
                let _ = write!(grant, "{}/{}", by.namespace, by.name);
                let once = GrantUsage { last_used: call.time, today: u64::from(call.time >= midnight) };
                usage.count(&grant, once);
                usage.summary.found += 1;
            }
            Ok(())
        })?;
        usage.summary.add(summary);
        Ok(usage)
    }

    fn count(&mut self, grant: &str, more: GrantUsage) {
        if let Some(known) = self.grants.get_mut(grant) {
            known.last_used = known.last_used.max(more.last_used);
            known.today += more.today;
        } else if self.grants.len() < MOST_GRANTS {
            self.grants.insert(grant.to_owned(), more);
        }
    }

    fn and(mut self, other: Self) -> Self {
        for (grant, more) in &other.grants {
            self.count(grant, *more);
        }
        self.summary.found += other.summary.found;
        self.summary.add(other.summary);
        self
    }
}
