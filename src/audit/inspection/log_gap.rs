//! `LogGap` (clauses 4.2.10 and 4.2.11): what verification finds wrong with a stream: anything changed,
//! removed, inserted, set back or forged. In a stream that verifies, what is not signed yet is looked
//! through for entries that are missing or there twice: indexes follow each other without a gap. And
//! lines that are no entries.

use std::collections::BTreeMap;

use super::finding::{Findings, Seen};
use super::{Facts, Said};
use crate::audit::recorded::Recorded;
use crate::audit::verify::{Finding, Kind};

/// Stretches of a stream, by their first index: the first index after each.
#[derive(Debug, Default)]
struct Stretches {
    ends: BTreeMap<u64, u64>,
    twice: Vec<u64>,
    again: u64,
}

#[derive(Debug, Default)]
pub(super) struct LogGap(BTreeMap<String, Stretches>);

/// Entries there twice that are named.
const NAMED: usize = 10;

impl Stretches {
    /// Joins what lies on both sides of a stretch that need not be there.
    fn cover(&mut self, from: u64, to: u64) {
        let before = self.ends.range(..=from).next_back().map(|(begin, end)| (*begin, *end));
        let Some((begin, _)) = before.filter(|(_, end)| from <= *end) else { return };
        let last = self.ends.range(..=to).next_back().map_or(to, |(_, end)| to.max(*end));
        let inside: Vec<u64> = self.ends.range(begin..=to).map(|(start, _)| *start).collect();
        inside.iter().for_each(|start| {
            self.ends.remove(start);
        });
        self.ends.insert(begin, last);
    }

    fn add(&mut self, index: u64) {
        let before = self.ends.range(..=index).next_back().map(|(from, to)| (*from, *to));
        if before.is_some_and(|(_, to)| index < to) {
            self.again += 1;
            if self.twice.len() < NAMED {
                self.twice.push(index);
            }
            return;
        }
        let mut end = index.saturating_add(1);
        // a stretch that begins right after joins this one
        if let Some(after) = self.ends.remove(&end) {
            end = after;
        }
        match before.filter(|(_, to)| *to == index) {
            Some((from, _)) => self.ends.insert(from, end),
            None => self.ends.insert(index, end),
        };
    }
}

impl LogGap {
    pub(super) fn add(&mut self, entry: &Recorded) {
        if let Some(stretches) = self.0.get_mut(&entry.stream) {
            stretches.add(entry.index);
        } else {
            self.0.entry(entry.stream.clone()).or_default().add(entry.index);
        }
    }

    pub(super) fn end(&mut self, unreadable: u64, facts: &Facts, found: &mut Findings) {
        for (stream, fault) in facts.faults.iter().flat_map(|(stream, all)| all.iter().map(move |one| (stream, one))) {
            refuted(stream, fault, found);
        }
        // these are looked at no further: the first bad place is named
        self.0.retain(|stream, _| !facts.faults.contains_key(stream));
        for (stream, stretches) in &mut self.0 {
            // what retention took away, as the log itself says
            facts.removed.get(stream).into_iter().flatten().for_each(|(from, to)| stretches.cover(*from, *to));
        }
        for (stream, Stretches { ends, twice, again }) in std::mem::take(&mut self.0) {
            let holes = ends.values().zip(ends.keys().skip(1));
            for (from, to) in holes {
                let (count, last) = (to - from, to - 1);
                let seen = Seen { user: None, receipts: vec![format!("{stream}/{from}")], count };
                let message = Said::new(
                    format!("{count} entries of stream {stream} are missing, from index {from} to {last}"),
                    format!("日志流 {stream} 缺少 {count} 条记录，序号 {from} 至 {last}"),
                );
                found.add(None, None, seen, message);
            }
            if again > 0 {
                let receipts = twice.iter().map(|index| format!("{stream}/{index}")).collect();
                let message = Said::new(
                    format!("{again} entries of stream {stream} are there more than once"),
                    format!("日志流 {stream} 有 {again} 条记录重复"),
                );
                found.add(None, None, Seen { user: None, receipts, count: again }, message);
            }
        }
        if unreadable > 0 && facts.faults.is_empty() {
            let message = Said::new(
                format!("{unreadable} lines of the record are no entries; 'datashare audit verify' names them"),
                format!("日志中有 {unreadable} 行不是有效记录；可用 'datashare audit verify' 查明"),
            );
            found.add(None, None, Seen { user: None, receipts: Vec::new(), count: unreadable }, message);
        }
    }
}

/// One bad place, as verification has it.
fn refuted(stream: &str, fault: &Finding, found: &mut Findings) {
    let (from, to) = fault.entries.unwrap_or((0, 0));
    let receipts = fault.entries.map(|_| format!("{stream}/{from}"));
    // up to where they go on is not always known
    let count = if to == u64::MAX { 1 } else { to.saturating_sub(from).max(1) };
    let line = fault.line.map(|line| format!("第 {line} 行")).unwrap_or_default();
    let message = Said::new(
        format!("the record does not verify: {fault}"),
        format!("日志验证未通过：{}{line}{}（{}）", fault.file, chinese(fault.kind), fault.says),
    );
    found.add(None, None, Seen { user: None, receipts: receipts.into_iter().collect(), count }, message);
}

fn chinese(kind: Kind) -> &'static str {
    match kind {
        Kind::Changed => "被改动",
        Kind::Removed => "被删除",
        Kind::Inserted => "被插入",
        Kind::Swapped => "顺序被调换",
        Kind::Truncated => "末尾被截断",
        Kind::RolledBack => "被回退到较早状态",
        Kind::Forged => "系伪造",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn in_any_order_the_stretches_are_what_was_added(indexes in proptest::collection::vec(0u64..60, 0..80)) {
            let mut stretches = Stretches::default();
            indexes.iter().for_each(|index| stretches.add(*index));
            let all: BTreeSet<u64> = indexes.iter().copied().collect();
            let held: Vec<u64> = stretches.ends.iter().flat_map(|(from, to)| *from..*to).collect();
            prop_assert_eq!(&held, &all.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(stretches.again, u64::try_from(indexes.len() - all.len()).unwrap());
            let joined = stretches.ends.values().zip(stretches.ends.keys().skip(1)).all(|(to, next)| to < next);
            prop_assert!(joined, "{:?}", stretches);
        }
    }
}
