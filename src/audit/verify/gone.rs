//! Entries that are gone: each stretch of them has to be one of which a signed entry says that it left.

use jiff::{SignedDuration, Timestamp};

use super::chain::Chain;
use super::entries::Entries;
use super::finding::{Finding, Kind};
use crate::audit::notice::{Leaving, joined};
use crate::audit::pruned::PRUNED;

/// A guard and whoever verifies may have clocks that are so far apart.
const APART: SignedDuration = SignedDuration::from_hours(1);

/// The first stretch that nobody gave notice of; and what is worth knowing of the others. Only a disk may lack what an
/// archive has.
pub fn unexplained(
    entries: &Entries,
    chain: &Chain,
    in_archive: bool,
    stream: &str,
    now: Timestamp,
) -> (Option<Finding>, Option<String>) {
    let said = |kinds: &[Leaving]| {
        let proven = entries.notices.iter().filter(|(index, _)| *index < chain.size());
        let of_kind = proven.filter(|(_, notice)| kinds.contains(&notice.leaving));
        joined(of_kind.map(|(_, notice)| (notice.from, notice.to)).collect())
    };
    let covers = |said: &[(u64, u64)], from, to| said.iter().any(|(first, end)| *first <= from && to <= *end);
    let pruned = said(&[Leaving::Pruned]);
    let left = if in_archive { pruned.clone() } else { said(&[Leaving::Pruned, Leaving::Offloaded]) };
    let newest = chain.newest.as_ref().map_or(Timestamp::MIN, |newest| newest.checkpoint.time);
    let mut elsewhere = 0;
    for (line, gone) in &entries.removed {
        let (from, to) = (gone.range.from(), gone.range.to());
        // the guard went on meanwhile: the checkpoints that were read are older than the notice
        let just_now = gone.removed_at > newest && gone.removed_at.duration_since(now) <= APART;
        if !covers(&left, from, to) && !just_now {
            let says = format!(
                "entries {from} to {} are gone, and no signed entry says that they were removed on time",
                to - 1
            );
            let finding = Finding::in_file(Kind::Removed, stream, PRUNED, Some(*line), says);
            return (Some(finding.among(from, to)), None);
        }
        if !covers(&pruned, from, to) {
            elsewhere += to - from;
        }
    }
    let remark = format!("{elsewhere} entries are only in the archives; --archive verifies them");
    (None, (elsewhere > 0).then_some(remark))
}
