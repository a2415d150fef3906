//! `OffHours` (clause 4.2.9): data was looked up at night or at the weekend, by office hours of the
//! policy's time zone. Where that is usual for a grant, as for a kiosk, its past says so, and nothing is
//! found.

use std::collections::BTreeMap;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::finding::{Findings, FoundGrant, Seen, resource_of};
use super::{About, Look, Said};
use crate::audit::recorded::Recorded;

/// The office's hours, the last one excluded.
const OPEN: std::ops::Range<i8> = 7..20;
/// So many calls say what is usual.
const ENOUGH: u64 = 20;
/// One call of so many outside of office hours is usual.
const USUAL: u64 = 20;

#[derive(Debug, Default)]
struct OfGrant {
    /// Calls of the past, and how many of them outside of office hours.
    past: (u64, u64),
    resource: Option<String>,
    by_user: BTreeMap<Option<String>, Seen>,
}

#[derive(Debug, Default)]
pub(super) struct OffHours(BTreeMap<FoundGrant, OfGrant>);

impl Look for OffHours {
    fn add(&mut self, entry: &Recorded, about: &About<'_>) {
        let Some(grant) = &entry.grant else { return };
        let off = is_off(entry, &about.order.zone);
        let recent = about.is_recent(entry);
        if recent && !off {
            return;
        }
        let of_grant = self.0.entry(grant.into()).or_default();
        if recent {
            of_grant.resource = resource_of(entry);
            of_grant.by_user.entry(entry.user.clone()).or_default().add(entry);
        } else {
            of_grant.past.0 += 1;
            of_grant.past.1 += u64::from(off);
        }
    }

    fn end(&mut self, _about: &About<'_>, found: &mut Findings) {
        for (grant, OfGrant { past: (all, off), resource, by_user }) in std::mem::take(&mut self.0) {
            if all >= ENOUGH && off * USUAL >= all {
                continue;
            }
            for (user, seen) in by_user {
                let count = seen.count;
                let who = user.as_deref().map_or_else(|| "nobody named".to_owned(), |user| format!("user {user}"));
                let whom = user.as_deref().map_or_else(|| "未注明用户".to_owned(), |user| format!("用户 {user}"));
                let message = Said::new(
                    format!("{count} calls outside of office hours ({who}), which is not usual for this grant"),
                    format!("非工作时间调用 {count} 次（{whom}），与该授权以往情况不符"),
                );
                found.add(Some(grant.clone()), resource.clone(), Seen { user, ..seen }, message);
            }
        }
    }
}

fn is_off(entry: &Recorded, zone: &TimeZone) -> bool {
    let here = entry.time.to_zoned(zone.clone());
    matches!(here.weekday(), Weekday::Saturday | Weekday::Sunday) || !OPEN.contains(&here.hour())
}
