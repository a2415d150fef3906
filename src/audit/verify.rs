//! Whether a record is what was signed: entries against the tree, the tree against the checkpoints, the
//! checkpoints against each other, against the keys, and against what somebody saw earlier. Names the
//! first bad place. Reads only; a guard may go on writing meanwhile.

mod chain;
mod entries;
mod finding;
mod gone;
mod place;
mod prove;
mod seen;

use std::io;

use jiff::{SignedDuration, Timestamp};

pub use finding::{Finding, Kind};
pub use place::{Folder, Piece, Place, Step};
pub use prove::{ProveError, prove};
pub use seen::{Seen, SeenError, SeenStream};

use chain::Chain;
use entries::Entries;

use crate::audit::checkpoint::{CHECKPOINT, CHECKPOINTS, Signed};
use crate::audit::keys::KEYS;
use crate::audit::note::VerifyingKey;

/// Entries older than this have a checkpoint, whatever the policy says.
const LONGEST_INTERVAL: SignedDuration = SignedDuration::from_hours(2);

/// How often a stream is read again because it changed meanwhile.
const ATTEMPTS: usize = 3;

/// What is known besides the record itself.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The only keys that a stream may begin with.
    pub keys: Option<&'a [VerifyingKey]>,
    /// Keys with which streams began, as others keep them.
    pub first_keys: &'a [FirstKey],
    /// Checkpoints that somebody kept.
    pub witnesses: &'a [Witness],
    pub seen: Option<&'a Seen>,
    pub now: Timestamp,
}

/// The key with which a stream began, as somebody published it.
#[derive(Clone, Debug)]
pub struct FirstKey {
    /// Who, as findings have it.
    pub from: String,
    pub key: VerifyingKey,
}

/// A checkpoint that somebody kept elsewhere.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Who, as findings have it.
    pub from: String,
    pub signed: Signed,
}

/// What is to be said of one stream.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    pub stream: String,
    /// `<site>/<stream>`, as its first key has it.
    pub origin: Option<String>,
    /// Entries there ever were.
    pub entries: u64,
    /// Entries of them that were removed on time.
    pub removed: u64,
    /// Entries that the newest checkpoint covers.
    pub signed: u64,
    pub checkpoints: u64,
    pub newest: Option<Signed>,
    pub first_key: Option<VerifyingKey>,
    /// What is wrong, the first bad place first.
    pub findings: Vec<Finding>,
    /// What is worth knowing, and no fault.
    pub remarks: Vec<String>,
}

impl Verdict {
    /// Entries that are not yet proven.
    #[must_use]
    pub fn unproven(&self) -> u64 {
        self.entries.saturating_sub(self.signed)
    }
}

/// Verifies one stream of a place.
pub fn verify(place: &dyn Place, stream: &str, known: &Known<'_>, step: &Step<'_>) -> io::Result<Verdict> {
    let mut attempt = 1;
    loop {
        let before = heads(place, stream)?;
        let verdict = once(place, stream, known, before.1.as_deref(), step);
        let settled = verdict.as_ref().is_ok_and(|verdict| verdict.findings.is_empty());
        // what a guard changes while it is read is no finding
        if settled || attempt == ATTEMPTS || heads(place, stream)? == before {
            return verdict;
        }
        attempt += 1;
    }
}

type Heads = (Option<Vec<u8>>, Option<Vec<u8>>, usize);

fn heads(place: &dyn Place, stream: &str) -> io::Result<Heads> {
    Ok((place.read(stream, KEYS)?, place.read(stream, CHECKPOINT)?, place.pieces(stream)?.len()))
}

/// `before` is the newest checkpoint as it was when this began.
fn once(
    place: &dyn Place,
    stream: &str,
    known: &Known<'_>,
    before: Option<&[u8]>,
    step: &Step<'_>,
) -> io::Result<Verdict> {
    let mut chain = Chain::read(place, stream)?;
    let mut verdict = Verdict {
        stream: stream.to_owned(),
        origin: chain.origin().map(str::to_owned),
        checkpoints: chain.count(),
        signed: chain.size(),
        newest: chain.newest.clone(),
        first_key: chain.keys.first().cloned(),
        findings: chain.findings.clone(),
        remarks: chain.remarks.clone(),
        ..Verdict::default()
    };
    verdict.findings.extend(against(&mut chain, stream, known)?);
    let entries = Entries::read(place, stream, &chain.all_marks(), step)?;
    verdict.entries = entries.end;
    verdict.removed = entries.removed.iter().map(|(_, gone)| gone.range.to() - gone.range.from()).sum();
    verdict.remarks.extend(entries.remarks.iter().cloned());
    // a fault of the entries is nearer to its cause than the checkpoints that no longer fit
    let mut findings = entries.findings.clone();
    findings.append(&mut verdict.findings);
    if findings.is_empty() {
        findings.extend(chain.against_entries(&entries, stream));
        let (told, remark) = gone::unexplained(&entries, &chain, place.is_archive(), stream, known.now);
        findings.extend(told);
        verdict.remarks.extend(remark);
        let settled = !place.is_copied() && place.read(stream, CHECKPOINT)?.as_deref() == before;
        findings.extend(unsigned(&chain, &entries, stream, known.now));
        if !place.is_archive() {
            findings.extend(unsigned_seal(&chain, &entries, stream, settled));
        }
    }
    verdict.findings = findings;
    Ok(verdict)
}

/// What is wrong, given what is known of the stream from elsewhere.
fn against(chain: &mut Chain, stream: &str, known: &Known<'_>) -> io::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut witnesses: Vec<Witness> = known.witnesses.to_vec();
    let seen = known.seen.map_or_else(|| Ok(None), |seen| seen.of_stream(stream, chain.origin()));
    if let Some(seen) = seen.map_err(io::Error::other)? {
        if chain.keys.first().is_some_and(|first| *first != seen.key) {
            let says = format!(
                "the stream began with key {} when it was seen last: the log was replaced, or its disk was; if you know why, remove {}",
                seen.key,
                seen.path.display()
            );
            findings.push(Finding::in_file(Kind::Forged, stream, KEYS, Some(1), says));
        }
        witnesses.push(Witness { from: "what was seen here earlier".to_owned(), signed: seen.signed });
    }
    let Some(first) = chain.keys.first() else {
        let of_stream = |witness: &&Witness| {
            witness.signed.checkpoint.origin.rsplit_once('/').is_some_and(|(_, name)| name == stream)
        };
        if let Some(witness) = witnesses.iter().find(of_stream) {
            let says = format!(
                "the stream has no keys, and {} has its checkpoint {}",
                witness.from, witness.signed.checkpoint.number
            );
            findings.push(Finding::in_file(Kind::Removed, stream, KEYS, None, says));
        }
        return Ok(findings);
    };
    if let Some(keys) = known.keys.filter(|keys| !keys.contains(first)) {
        let says = format!("the stream begins with key {first}, which is none of the {} given", keys.len());
        findings.push(Finding::in_file(Kind::Forged, stream, KEYS, Some(1), says));
    }
    let others = known.first_keys.iter().filter(|other| other.key.name() == first.name() && other.key != *first);
    findings.extend(others.map(|FirstKey { from, key }| {
        let says = format!("the stream begins with key {first}, and {from} has it begin with {key}");
        Finding::in_file(Kind::Forged, stream, KEYS, Some(1), says)
    }));
    witnesses.retain(|witness| witness.signed.checkpoint.origin == first.name());
    findings.extend(witnesses.iter().filter_map(|witness| chain.against(witness, stream)));
    Ok(findings)
}

/// Entries that should have had a checkpoint long ago.
fn unsigned(chain: &Chain, entries: &Entries, stream: &str, now: Timestamp) -> Option<Finding> {
    let old = entries.since.is_some_and(|since| now.duration_since(since) > LONGEST_INTERVAL);
    let expected = entries.stopped || old;
    (chain.count() == 0 && entries.end > 0 && expected).then(|| {
        let says = "there is no checkpoint, though one is made within an hour and at every clean stop".to_owned();
        Finding::in_file(Kind::Removed, stream, CHECKPOINT, None, says)
    })
}

/// Entries that are sealed, which they are once a checkpoint covers them. Where the guard went on meanwhile, it may have
/// sealed what it signed after the checkpoints were read: that is soon after the newest of these.
fn unsigned_seal(chain: &Chain, entries: &Entries, stream: &str, settled: bool) -> Option<Finding> {
    let (signed, (sealed, since)) = (chain.size(), entries.sealed);
    let newest = chain.newest.as_ref().map(|newest| newest.checkpoint.time);
    let is_late = since.zip(newest).is_none_or(|(since, newest)| since.duration_since(newest) > LONGEST_INTERVAL);
    (sealed > signed && (settled || is_late)).then(|| {
        let says =
            format!("entries {signed} to {} are sealed, and the checkpoint that covered them is gone", sealed - 1);
        Finding::in_file(Kind::Truncated, stream, CHECKPOINTS, None, says).among(signed, sealed)
    })
}
