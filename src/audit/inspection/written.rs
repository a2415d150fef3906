//! An inspection in the record: one entry for each finding, under the grant it is about, and a last one
//! that says it was done. Without that last one it was not, and is done again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Finding, Inspected};
use crate::api::v1alpha1::audit_policy::{Check, Effect};
use crate::api::v1alpha1::status::InspectionResult;
use crate::audit::entry::{Entry, GrantRef, NameRef, Parameter};
use crate::audit::event::Event;
use crate::audit::recorded::Recorded;
use crate::audit::writer::{Log, Receipt, RecordUnavailable};
use crate::judge::facts::Key;
use crate::judge::ledger::LedgerEntry;

/// Codes of the last entry.
const PASS: &str = "pass";
const FINDINGS: &str = "findings";

/// Writes an inspection down; gives the receipt of its last entry.
///
/// # Errors
/// When the record takes nothing more.
pub fn record(log: &Log, inspected: &Inspected, drawn: usize, retain: Date) -> Result<Receipt, RecordUnavailable> {
    for finding in &inspected.findings {
        append_finding(log, inspected, finding, retain)?;
    }
    let (from, until, seed) = (inspected.from.to_string(), inspected.until.to_string(), inspected.seed.to_string());
    let (entries, sample) = (inspected.entries.to_string(), drawn.to_string());
    let next = inspected.next.map(|next| next.to_string());
    let mut parameters = vec![
        Parameter { name: "policy", value: &inspected.policy },
        Parameter { name: "from", value: &from },
        Parameter { name: "to", value: &until },
        Parameter { name: "entries", value: &entries },
        Parameter { name: "sample", value: &sample },
        Parameter { name: "seed", value: &seed },
    ];
    parameters.extend(next.as_deref().map(|next| Parameter { name: "next", value: next }));
    let mut entry = Entry::<&str>::new(Event::Inspection);
    entry.code = Some(if inspected.pass { PASS } else { FINDINGS });
    entry.items = Some((inspected.findings.len() as u64).saturating_add(inspected.left_out));
    entry.parameters = &parameters;
    entry.retain = Some(retain);
    log.append_blocking(&entry)
}

fn append_finding(
    log: &Log,
    inspected: &Inspected,
    finding: &Finding,
    retain: Date,
) -> Result<Receipt, RecordUnavailable> {
    let receipts = finding.receipts.join(" ");
    let effect = format!("{:?}", finding.effect);
    let mut parameters = vec![
        Parameter { name: "policy", value: &inspected.policy },
        Parameter { name: "clause", value: finding.clause },
        Parameter { name: "effect", value: &effect },
        Parameter { name: "message", value: &finding.message.en },
        Parameter { name: "messageZh", value: &finding.message.zh },
    ];
    if !receipts.is_empty() {
        parameters.push(Parameter { name: "receipts", value: &receipts });
    }
    let mut entry = Entry::<&str>::new(Event::Inspection);
    entry.code = Some(finding.check.as_str());
    entry.grant = finding.grant.as_ref().map(|grant| GrantRef {
        namespace: &grant.namespace,
        name: &grant.name,
        serial: &grant.serial,
        digest: &grant.digest,
    });
    let resource = finding.resource.as_deref().and_then(|resource| resource.split_once('/'));
    entry.resource = resource.map(|(namespace, name)| NameRef { namespace, name });
    entry.user = finding.user.as_deref();
    entry.items = Some(finding.count);
    entry.parameters = &parameters;
    entry.retain = Some(retain);
    log.append_blocking(&entry)
}

/// The suspensions that the findings ask for: of the grant that a finding names, and of all that are under the policy
/// where it names none. `at`: when they take hold, which may be long after the inspection began.
#[must_use]
pub fn suspensions(inspected: &Inspected, facts: &super::Facts, at: Timestamp) -> Vec<LedgerEntry> {
    let policy: std::sync::Arc<str> = inspected.policy.as_str().into();
    let mut out: Vec<LedgerEntry> = Vec::new();
    let mut suspend = |namespace: &str, serial: &str, finding: &Finding| {
        let known = out.iter().any(|entry| {
            matches!(entry, LedgerEntry::Suspended { namespace: n, serial: s, .. } if **n == *namespace && **s == *serial)
        });
        if !known {
            out.push(LedgerEntry::Suspended {
                namespace: namespace.into(),
                serial: serial.into(),
                check: finding.check,
                by: policy.clone(),
                receipt: finding.receipts.first().map(|receipt| receipt.as_str().into()),
                at,
            });
        }
    };
    for finding in inspected.findings.iter().filter(|finding| finding.effect == Effect::Suspend) {
        match &finding.grant {
            Some(grant) => suspend(&grant.namespace, &grant.serial, finding),
            // data that a person took under no grant that is there: there is nothing to suspend
            None if finding.check == Check::RecallOverdue => {}
            // who cannot be named cannot be let go either
            None => facts
                .grants()
                .filter(|facts| facts.serves)
                .filter(|facts| {
                    finding
                        .resource
                        .as_ref()
                        .is_none_or(|at| *at == format!("{}/{}", facts.grant.key.namespace, facts.grant.resource))
                })
                .for_each(|facts| suspend(&facts.grant.key.namespace, &facts.grant.serial, finding)),
        }
    }
    out
}

/// An inspection as the record remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    pub policy: Key,
    /// When its last entry was written.
    pub written: Timestamp,
    pub from: Timestamp,
    /// The latest entries that it saw are of then.
    pub until: Timestamp,
    /// The stream that its entry is in, and the first entry of it that was not inspected yet.
    pub stream: String,
    pub next: Option<u64>,
    pub findings: u64,
    /// By check, where its findings were read too.
    pub by_check: BTreeMap<Check, u64>,
    pub entries: u64,
    pub seed: String,
    pub receipt: String,
}

/// A finding as the record remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastFinding {
    pub policy: Key,
    pub check: Check,
    pub suspends: bool,
    pub clause: String,
    pub serial: Option<String>,
    pub resource: Option<String>,
    pub user: Option<String>,
    pub count: u64,
    pub message: super::Said,
    pub receipts: Vec<String>,
    pub receipt: String,
    pub time: Timestamp,
}

impl Past {
    /// Up to when entries were inspected, as far as that can be believed `now`: what lies ahead was written while the
    /// clock was.
    #[must_use]
    pub fn inspected_until(&self, now: Timestamp) -> Timestamp {
        [self.until, self.from].into_iter().find(|time| *time <= now).unwrap_or(now)
    }

    /// What a status says of it.
    #[must_use]
    pub fn result(&self) -> InspectionResult {
        InspectionResult {
            time: self.written.to_string(),
            pass: self.findings == 0,
            findings: i64::try_from(self.findings).unwrap_or(i64::MAX),
            // the entry that says that it was done
            report: Some(self.receipt.clone()).filter(|receipt| !receipt.is_empty()),
        }
    }

    /// Reads the last entry of an inspection.
    #[must_use]
    pub fn of(entry: &Recorded) -> Option<Self> {
        let done = entry.code.as_deref().is_some_and(|code| code == PASS || code == FINDINGS);
        let said = |name: &str| entry.parameters.get(name);
        if entry.event != Event::Inspection || !done {
            return None;
        }
        Some(Self {
            policy: policy(entry)?,
            written: entry.time,
            from: said("from")?.parse().ok()?,
            until: said("to")?.parse().ok()?,
            stream: entry.stream.clone(),
            next: said("next").and_then(|next| next.parse().ok()),
            findings: entry.items.unwrap_or(0),
            by_check: BTreeMap::new(),
            entries: said("entries").and_then(|count| count.parse().ok()).unwrap_or(0),
            seed: said("seed").cloned().unwrap_or_default(),
            receipt: entry.receipt(),
        })
    }
}

impl PastFinding {
    /// Reads the entry of a finding.
    #[must_use]
    pub fn of(entry: &Recorded) -> Option<Self> {
        let said = |name: &str| entry.parameters.get(name).cloned().unwrap_or_default();
        if entry.event != Event::Inspection {
            return None;
        }
        let check = Check::ALL.into_iter().find(|check| entry.code.as_deref() == Some(check.as_str()))?;
        Some(Self {
            policy: policy(entry)?,
            check,
            suspends: said("effect") == format!("{:?}", Effect::Suspend),
            clause: said("clause"),
            serial: entry.grant.as_ref().map(|grant| grant.serial.clone()),
            resource: super::finding::resource_of(entry),
            user: entry.user.clone(),
            count: entry.items.unwrap_or(0),
            message: super::Said::new(said("message"), said("messageZh")),
            receipts: said("receipts").split(' ').filter(|receipt| !receipt.is_empty()).map(str::to_owned).collect(),
            receipt: entry.receipt(),
            time: entry.time,
        })
    }
}

fn policy(entry: &Recorded) -> Option<Key> {
    let (namespace, name) = entry.parameters.get("policy")?.split_once('/')?;
    Some(Key::new(namespace, name))
}
