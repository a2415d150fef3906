//! `LogGap` (clauses 4.2.10 and 4.2.11): what verification finds wrong with the streams: anything changed,
//! removed, inserted, set back or forged, signed or not yet. Nothing else is held against a record: of what
//! is read by time the indexes may well have holes, once a clock was set.

use std::collections::BTreeMap;

use super::Said;
use super::finding::{Findings, Seen};
use crate::audit::verify::{Finding, Kind};

/// What verification found, by stream.
pub(super) fn end(faults: &BTreeMap<String, Vec<Finding>>, found: &mut Findings) {
    for (stream, fault) in faults.iter().flat_map(|(stream, all)| all.iter().map(move |one| (stream, one))) {
        refuted(stream, fault, found);
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
