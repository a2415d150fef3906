//! `BulkHarvest` (promise 4, no copying): one user on one day, or one grant in one hour, looked up far
//! more people or things than that grant's own past makes usual. Counted is how many different ones,
//! not how many calls: who asks for one person a hundred times harvests nothing. Where nothing sensitive
//! says whom a call is about, its answer may be about as many as it has items.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};

use jiff::{SignedDuration, Timestamp};

use super::finding::{Findings, FoundGrant, Seen, resource_of};
use super::{About, Look, Said};
use crate::audit::recorded::Recorded;

/// So many times what is usual is far above it.
const FAR: u64 = 4;
/// Fewer than this are never a harvest.
const FEW: u64 = 30;
/// Of a grant without enough of a past, more than this are.
const MANY: u64 = 200;
/// Days or hours with calls that make a past.
const ENOUGH: usize = 5;
/// Entries of several streams come in the order of time, but for clocks that were set.
const LATE: SignedDuration = SignedDuration::from_hours(2);

/// What is counted together: of a user a day, of everybody an hour.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Span {
    UserDay(Option<String>, jiff::civil::Date),
    Hour(i64),
}

/// A span that may still grow.
#[derive(Debug)]
struct Open {
    ends: Timestamp,
    subjects: HashSet<u64>,
    /// How many the calls that were counted looked up together.
    count: u64,
    /// Some of it was not inspected before.
    recent: bool,
    resource: Option<String>,
    seen: Seen,
}

/// The spans of one grant that are over.
#[derive(Debug, Default)]
struct Past {
    user_days: Vec<u64>,
    hours: Vec<u64>,
    judged: Vec<(Span, u64, Option<String>, Seen)>,
}

#[derive(Debug, Default)]
pub(super) struct BulkHarvest {
    open: HashMap<FoundGrant, BTreeMap<Span, Open>>,
    past: BTreeMap<FoundGrant, Past>,
    swept: Option<Timestamp>,
}

impl Look for BulkHarvest {
    fn add(&mut self, entry: &Recorded, about: &About<'_>) {
        let (Some(by), true) = (&entry.grant, entry.time <= about.order.until) else { return };
        self.sweep(Some(entry.time));
        let day = entry.time.to_zoned(about.order.zone.clone()).date();
        let hour = entry.time.as_second().div_euclid(3_600);
        let hour_ends = Timestamp::from_second((hour + 1) * 3_600).unwrap_or(Timestamp::MAX);
        let day_ends = day.tomorrow().ok().and_then(|next| next.to_zoned(about.order.zone.clone()).ok());
        let day_ends = day_ends.map_or(Timestamp::MAX, |midnight| midnight.timestamp());
        let spans = [(Span::UserDay(entry.user.clone(), day), day_ends), (Span::Hour(hour), hour_ends)];
        let of_grant = self.open.entry(by.into()).or_default();
        for (span, ends) in spans {
            let open = of_grant.entry(span).or_insert_with(|| Open {
                ends,
                subjects: HashSet::new(),
                count: 0,
                recent: false,
                resource: resource_of(entry),
                seen: Seen { user: entry.user.clone(), ..Seen::default() },
            });
            let looked_up = match subject(entry) {
                Some((subject, count)) if open.subjects.insert(subject) => count,
                Some(_) => 0,
                None => entry.items.unwrap_or(0),
            };
            open.count = open.count.saturating_add(looked_up);
            open.recent |= about.is_recent(entry);
            open.seen.add(entry);
        }
    }

    fn end(&mut self, about: &About<'_>, found: &mut Findings) {
        self.sweep(None);
        for (grant, past) in std::mem::take(&mut self.past) {
            let (days, hours) = (usual(past.user_days), usual(past.hours));
            for (span, subjects, resource, mut seen) in past.judged {
                let usual = if matches!(span, Span::Hour(_)) { hours } else { days };
                let most = usual.map_or(MANY, |usual| FEW.max(usual.saturating_mul(FAR)));
                if subjects <= most {
                    continue;
                }
                let message = said(&span, subjects, usual, about);
                if matches!(span, Span::Hour(_)) {
                    seen.user = None;
                }
                found.add(Some(grant.clone()), resource, seen, message);
            }
        }
    }
}

impl BulkHarvest {
    /// Counts the spans that are over by `now`; without it all of them.
    fn sweep(&mut self, now: Option<Timestamp>) {
        let hourly =
            |swept: Timestamp| now.is_some_and(|now| now.duration_since(swept) < SignedDuration::from_hours(1));
        if self.swept.is_some_and(hourly) {
            return;
        }
        self.swept = now;
        let over = |open: &Open| now.is_none_or(|now| now.duration_since(open.ends) > LATE);
        for (grant, spans) in &mut self.open {
            let done: Vec<Span> = spans.iter().filter(|(_, open)| over(open)).map(|(span, _)| span.clone()).collect();
            for span in done {
                let Some(open) = spans.remove(&span) else { continue };
                let subjects = open.count;
                let past = self.past.entry(grant.clone()).or_default();
                // nothing new in it: it is the past, and was judged; what was cleared since is not found once more
                if open.recent {
                    // never to be found needs no place
                    if subjects > FEW {
                        past.judged.push((span, subjects, open.resource, open.seen));
                    }
                } else if matches!(span, Span::Hour(_)) {
                    past.hours.push(subjects);
                } else {
                    past.user_days.push(subjects);
                }
            }
        }
        self.open.retain(|_, spans| !spans.is_empty());
    }
}

/// Whom a call looks up, and how many they are: its sensitive values name one; where none is sensitive, all values
/// together name as many as were answered.
fn subject(entry: &Recorded) -> Option<(u64, u64)> {
    if entry.parameters.is_empty() {
        return None;
    }
    let is_sensitive = |value: &String| value.starts_with("hmac-sha256:");
    let any = entry.parameters.values().any(is_sensitive);
    let mut hasher = DefaultHasher::new();
    for (name, value) in entry.parameters.iter().filter(|(_, value)| !any || is_sensitive(value)) {
        (name, value).hash(&mut hasher);
    }
    let count = if any { 1 } else { entry.items.unwrap_or(0).max(1) };
    Some((hasher.finish(), count))
}

/// What all but the busiest twentieth stay within; nothing where the past is too short.
fn usual(mut counts: Vec<u64>) -> Option<u64> {
    if counts.len() < ENOUGH {
        return None;
    }
    counts.sort_unstable();
    counts.get((counts.len() * 19).div_ceil(20).saturating_sub(1)).copied()
}

fn said(span: &Span, subjects: u64, usual: Option<u64>, about: &About<'_>) -> Said {
    let (en, zh) = match usual {
        Some(usual) => (format!("at most {usual} are usual"), format!("以往通常不超过 {usual} 个")),
        None => ("there is too little past to compare with".to_owned(), "尚无足够历史可比".to_owned()),
    };
    match span {
        Span::UserDay(user, day) => {
            let who = user.as_deref().unwrap_or("-");
            Said::new(
                format!("user {who} looked up {subjects} different subjects on {day}; {en}"),
                format!("用户 {who} 于 {day} 查询了 {subjects} 个不同对象；{zh}"),
            )
        }
        Span::Hour(hour) => {
            let begin = Timestamp::from_second(hour * 3_600).unwrap_or(Timestamp::MIN);
            let at = begin.to_zoned(about.order.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
            Said::new(
                format!("{subjects} different subjects were looked up in the hour from {at}; {en}"),
                format!("{at} 起一小时内查询了 {subjects} 个不同对象；{zh}"),
            )
        }
    }
}
