//! The record's promises, kept against crashes, failing disks and impatient callers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod commit;
pub mod disk;
mod entries;
mod faults;
mod journal;
mod query;
mod recovery;

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use datashare::audit::{
    Entry, Event, GrantRef, Log, NameRef, Options, Outcome, Parameter, Recorded, UnitRef, Upstream,
};
use datashare::clock::Clock;
use jiff::Timestamp;

const NOON: &str = "2026-11-24T04:00:00Z";

fn clock() -> Clock {
    Clock::manual(NOON.parse::<Timestamp>().unwrap())
}

fn open(log: &Path) -> Log {
    Log::open(log, &Options::default(), clock()).unwrap().0
}

/// A call as the guard records it, for `user`.
fn call<'a>(user: &'a str, fields: &'a [&'a str], parameters: &'a [Parameter<'a>]) -> Entry<'a, &'a str> {
    Entry {
        grant: Some(GrantRef {
            namespace: "jinan-registration",
            name: "deed-tax",
            serial: "济登共享〔2026〕12号",
            digest: "sha256:00",
        }),
        request: Some(NameRef { namespace: "tax-bureau", name: "deed-tax" }),
        unit: Some(UnitRef { code: "11370100004188XXXX", name: "济南市税务局" }),
        system: Some("契税征管系统"),
        user: Some(user),
        case: Some("case-1"),
        consent: Some("consent-1"),
        source: Some([10, 20, 0, 7].into()),
        resource: Some(NameRef { namespace: "jinan-registration", name: "property-ownership" }),
        operation: Some("by-id"),
        parameters,
        outcome: Some(Outcome::Released),
        status: Some(200),
        fields,
        items: Some(3),
        bytes: Some(1500),
        digest: Some([0xab; 32]),
        upstream: Some(Upstream { status: Some(200), microseconds: 1234 }),
        retain: Some(jiff::civil::date(2029, 11, 24)),
        ..Entry::new(Event::Call)
    }
}

fn simple(user: &str) -> Entry<'_, &str> {
    Entry { user: Some(user), ..Entry::new(Event::Call) }
}

/// The segments of the one stream below `log`, oldest first.
fn segments(log: &Path) -> Vec<PathBuf> {
    let stream = fs::read_dir(log).unwrap().next().unwrap().unwrap().path();
    let mut paths: Vec<_> = fs::read_dir(stream.join("entries")).unwrap().map(|item| item.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Every entry on disk, in order.
fn entries(log: &Path) -> Vec<Recorded> {
    let text: Vec<u8> = segments(log).iter().flat_map(|path| fs::read(path).unwrap()).collect();
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| Recorded::parse(line).unwrap())
        .collect()
}

/// Asks a future once.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
