//! `OutsideApproval` (promise 1): something was released that the approval of that time does not cover.
//! The guard sees to it that this never happens; here it is proved anew, from the record and the signed
//! terms alone. Where the grant has gone meanwhile, the ledger still knows what was enforced.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::finding::{Findings, FoundGrant, Seen, resource_of};
use super::{About, GrantFacts, Look, Said};
use crate::audit::recorded::{Recorded, RecordedGrant};
use crate::judge::facts::{Bar, Key};
use crate::judge::ledger::SerialRecord;

/// Clocks of guards and of whoever keeps the ledger differ, and a call may be on its way. What the ledger says holds
/// at a guard only as soon as it has heard of it: see [`super::Facts::heard`].
pub(super) const SLACK: SignedDuration = SignedDuration::from_secs(60);

/// An objection to calls of a grant, by its English words.
type Objection = (Option<FoundGrant>, String);

#[derive(Debug, Default)]
pub(super) struct OutsideApproval(BTreeMap<Objection, (Option<String>, Said, Seen)>);

impl Look for OutsideApproval {
    fn add(&mut self, entry: &Recorded, about: &About<'_>) {
        if !about.is_recent(entry) {
            return;
        }
        for said in objections(entry, about) {
            let place = (entry.grant.as_ref().map(FoundGrant::from), said.en.clone());
            let fresh = || (resource_of(entry), said, Seen::default());
            self.0.entry(place).or_insert_with(fresh).2.add(entry);
        }
    }

    fn end(&mut self, _about: &About<'_>, found: &mut Findings) {
        for ((grant, _), (resource, message, seen)) in std::mem::take(&mut self.0) {
            found.add(grant, resource, seen, message);
        }
    }
}

/// What is not as it was approved when the entry was written.
pub(super) fn objections(entry: &Recorded, about: &About<'_>) -> Vec<Said> {
    let mut out = Vec::new();
    let Some(by) = &entry.grant else {
        return vec![Said::new("released under no grant at all", "提供数据时没有任何授权")];
    };
    let known = about.facts.grants.get(&Key::new(by.namespace.as_str(), by.name.as_str()));
    let known = known.filter(|facts| *facts.grant.serial == *by.serial && facts.grant.terms.to_string() == by.digest);
    let record = about.facts.records.get(&Key::new(by.namespace.as_str(), by.serial.as_str()));
    match (known, record) {
        (Some(facts), _) => by_terms(entry, facts, &mut out),
        (None, Some(record)) if record.enforced.is_some() => by_memory(entry, by, record, &mut out),
        (None, _) => out.push(Said::new(
            "no approval with this serial and digest is known; bring the decision back to prove it",
            "未找到该文号和摘要对应的审批；请恢复该审批文件以供核验",
        )),
    }
    if let Some(record) = record {
        ended(entry, known, record, about, &mut out);
    }
    barred(entry, about, &mut out);
    out
}

fn by_terms(entry: &Recorded, facts: &GrantFacts, out: &mut Vec<Said>) {
    let grant = &facts.grant;
    for field in entry.fields.iter().filter(|field| !grant.fields.iter().any(|granted| **granted == ***field)) {
        out.push(Said::new(format!("field {field} was never granted"), format!("字段 {field} 未获批准")));
    }
    let operation = entry.operation.as_deref().unwrap_or_default();
    if !grant.operations.iter().any(|granted| **granted == *operation) {
        out.push(Said::new(
            format!("operation {operation} was never granted"),
            format!("接口操作 {operation} 未获批准"),
        ));
    }
    let user = entry.user.as_deref().filter(|user| !user.is_empty());
    let listed = |users: &[std::sync::Arc<str>]| user.is_some_and(|user| users.iter().any(|one| **one == *user));
    if !grant.users.as_deref().is_none_or(listed) {
        out.push(Said::new("the user is not one of those granted", "用户不在获准人员名单之内"));
    }
    if grant.requires.user == Some(true) && user.is_none() {
        out.push(Said::new("no user is named", "未注明用户"));
    }
    if grant.requires.case == Some(true) && entry.case.as_deref().is_none_or(str::is_empty) {
        out.push(Said::new("no case is named", "未注明办件编号"));
    }
    if entry.time < grant.not_before || entry.time >= later(grant.not_after) {
        out.push(Said::new("outside of the time of the grant", "不在授权有效期内"));
    }
    if entry.resource.as_ref().is_none_or(|at| *at.name != *grant.resource || *at.namespace != *grant.key.namespace) {
        out.push(Said::new("another resource than the granted one", "所提供的资源不是获准的资源"));
    }
    let asked = facts.request.as_ref().filter(|request| request.digest == grant.request_digest);
    let Some(request) = asked else { return };
    if entry.unit.as_ref().is_none_or(|unit| *unit.code != *request.unit.code) {
        out.push(Said::new("another unit than the one granted", "调用单位不是获准单位"));
    }
    if entry.system.as_deref().is_none_or(|system| *system != *request.system) {
        out.push(Said::new("another system than the one granted", "调用系统不是获准系统"));
    }
    if !entry.source.is_some_and(|source| request.sources.iter().any(|net| net.contains(&source))) {
        out.push(Said::new("from an address that was not asked for", "来源地址不在申请范围内"));
    }
}

/// The grant is not there any more, or has other terms now.
fn by_memory(entry: &Recorded, by: &RecordedGrant, record: &SerialRecord, out: &mut Vec<Said>) {
    let Some((digest, scope, not_after)) = &record.enforced else { return };
    if digest.to_string() != by.digest {
        out.push(Said::new(
            "other terms than those enforced under this serial",
            "所依据的条款与该文号下已执行的条款不同",
        ));
    }
    if entry.resource.as_ref().is_none_or(|at| *at.name != *scope.resource) {
        out.push(Said::new("another resource than the granted one", "所提供的资源不是获准的资源"));
    }
    if entry.unit.as_ref().is_none_or(|unit| *unit.code != *scope.unit) {
        out.push(Said::new("another unit than the one granted", "调用单位不是获准单位"));
    }
    if entry.system.as_deref().is_none_or(|system| *system != *scope.system) {
        out.push(Said::new("another system than the one granted", "调用系统不是获准系统"));
    }
    if entry.time >= later(*not_after) {
        out.push(Said::new("outside of the time of the grant", "不在授权有效期内"));
    }
}

/// Released after the serial had ended, or while it was suspended.
fn ended(entry: &Recorded, known: Option<&GrantFacts>, record: &SerialRecord, about: &About<'_>, out: &mut Vec<Said>) {
    let heard = |at| about.facts.heard(at);
    let resource = entry.resource.as_ref().map(|at| at.name.as_str()).unwrap_or_default();
    for end in record.ends.iter().filter(|end| entry.time >= heard(end.at)) {
        let narrowed = end.resources.as_ref().is_some_and(|names| !names.iter().any(|name| **name == *resource));
        let other = end.scope.as_ref().is_some_and(|scope| {
            *scope.resource != *resource
                || entry.unit.as_ref().is_some_and(|unit| *unit.code != *scope.unit)
                || entry.system.as_deref().is_some_and(|system| *system != *scope.system)
        });
        if !narrowed && !other {
            out.push(Said::new(
                format!("released after its end ({:?} by {})", end.cause, end.by),
                format!("授权终止后仍提供数据（{:?}，依据 {}）", end.cause, end.by),
            ));
        }
    }
    let Some(suspension) = record.suspended.as_ref().filter(|s| entry.time >= heard(s.at)) else { return };
    let cleared = known.is_some_and(|facts| {
        facts.grant.approvals.iter().any(|a| a.approved_at > suspension.at && a.approved_at <= entry.time)
    });
    if !cleared {
        out.push(Said::new("released while an inspection had suspended it", "检查暂停期间仍提供数据"));
    }
}

/// Released to a unit, system or person that was barred.
fn barred(entry: &Recorded, about: &About<'_>, out: &mut Vec<Said>) {
    let Some(resource) = &entry.resource else { return };
    let unit = entry.unit.as_ref().map(|unit| unit.code.as_str());
    for (key, record) in &about.facts.bars {
        let holds = *key.namespace == *resource.namespace
            && entry.time >= about.facts.heard(record.since)
            && record.lifted.is_none_or(|lifted| entry.time < lifted)
            && record.resources.as_ref().is_none_or(|names| names.iter().any(|name| **name == *resource.name));
        let meant = match &record.bar {
            Bar::Unit { code } => unit == Some(code),
            Bar::System { unit_code, name } => unit == Some(unit_code) && entry.system.as_deref() == Some(name),
            Bar::Person { id, unit_code } => {
                entry.user.as_deref() == Some(id) && unit_code.as_ref().is_none_or(|code| unit == Some(code))
            }
        };
        if holds && meant {
            out.push(Said::new(
                format!("released to one whom Revocation {} bars", key.name),
                format!("向撤销令 {} 禁止的对象提供数据", key.name),
            ));
        }
    }
}

fn later(time: Timestamp) -> Timestamp {
    time.checked_add(SLACK).unwrap_or(Timestamp::MAX)
}
