//! The record: no record, no data. An [`Entry`] goes in; a [`Receipt`] comes out only once that
//! entry is on the disk for good, so whoever holds a receipt may release the answer it stands for.
//! What was written is found again by [`query`], and counted per grant by [`usage`].
//!
//! On disk, `<log>/<stream>/entries/<index of the first entry, 20 digits>.jsonl`: one entry a line,
//! indexes from 0 without a gap, one stream per guard; the open segment's newest entries are synced in the [`journal`]
//! beside `entries`. [`upkeep`] seals closed segments (`.jsonl.zst`),
//! copies them to the archive and removes them once their time is over.

pub mod archive;
pub mod checkpoint;
pub mod copy;
mod encode;
mod entry;
mod event;
mod filter;
pub mod inspection;
pub mod inventory;
pub mod journal;
pub mod keys;
mod lines;
mod notary;
pub mod note;
pub mod notice;
pub mod proof;
pub mod pruned;
pub mod query;
mod recorded;
mod recovery;
pub mod removed;
pub mod report;
pub mod scan;
pub mod seal;
mod segment;
mod site_key;
mod storage;
mod stream;
pub mod tree;
pub mod upkeep;
pub mod usage;
pub mod verify;
mod writer;

pub use entry::{Entry, GrantRef, NameRef, Parameter, UnitRef, Upstream};
pub use event::{Event, Outcome, UnknownWord};
pub use filter::{Filter, Onward, Person};
pub use lines::{Line, Lines};
pub use notary::{Evidence, NotaryError, Published};
pub use recorded::{Recorded, RecordedGrant, RecordedName, RecordedUnit};
pub use recovery::{Cut, Recovery, Restart};
pub use segment::MAX_LINE;
pub use site_key::{Hashed, SiteKey, SiteKeyError};
pub use storage::{Disk, JournalFile, SegmentFile, Storage};
pub use stream::names as stream_names;
pub use writer::{Failure, Log, LogError, Options, Pending, Receipt, RecordUnavailable, Relay, own_waker};

/// The version of the entry format, the first member of every line.
pub const FORMAT: u32 = 1;
