//! Where a notary goes on: the tree of all entries that are on disk, the newest checkpoint, the keys.
//! The tree is read from the entries behind the newest one that was kept with a checkpoint's root;
//! what is there must be what was signed, or the stream is not continued.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::book::{self, Tail};
use super::{Evidence, NotaryError, Published};
use crate::audit::checkpoint::Signed;
use crate::audit::keys::{self, KEYS, SigningKeys};
use crate::audit::note::{Note, Standing, VerifyingKey};
use crate::audit::pruned::{PRUNED, Pruned};
use crate::audit::scan::{Scan, scan};
use crate::audit::segment::{self, ENTRIES};
use crate::audit::tree::Range;

/// All a notary begins with.
pub(in crate::audit) struct Start {
    pub(super) stream: String,
    pub(super) folder: PathBuf,
    pub(super) signing: SigningKeys,
    pub(super) keys_folder: PathBuf,
    /// Oldest first; none before the first checkpoint.
    pub(super) public: Vec<VerifyingKey>,
    pub(super) tree: Range,
    pub(super) tail: Tail,
    /// The newest checkpoint.
    pub(super) newest: Option<Signed>,
    /// A recorded key that has not taken over: its entry.
    pub(super) rotation: Option<(u64, String)>,
}

impl Start {
    /// Reads the stream `name` in its `folder`, which nobody else writes.
    pub fn read(evidence: &Evidence, name: &str, folder: &Path) -> Result<Self, NotaryError> {
        let signing = SigningKeys::new(&evidence.keys);
        let public = keys::read(&folder.join(KEYS))?.unwrap_or_default();
        let tail = book::tail(folder)?;
        let kept = kept_tree(&signing.tree_path(name), &tail).unwrap_or_else(|| Range::empty_at(0));
        let newest = book::newest(folder, &tail, &public);
        let signed = newest.as_ref();
        let size = signed.map_or(0, |signed| signed.checkpoint.size);
        let (tree, found) = tree(folder, name, kept, signed)?;
        if tree.to() < size {
            return Err(NotaryError::Missing { stream: folder.to_owned(), signed: size, found: tree.to() });
        }
        let rotation = found.into_iter().rfind(|(index, _)| *index >= size);
        Ok(Self {
            stream: name.to_owned(),
            folder: folder.to_owned(),
            signing,
            keys_folder: evidence.keys.clone(),
            public,
            tree,
            tail,
            newest,
            rotation,
        })
    }

    /// The newest checkpoint.
    pub fn newest(&self) -> Option<&Note> {
        self.newest.as_ref().map(|signed| &signed.note)
    }

    /// What is for others to keep, once there is a checkpoint.
    pub fn published(&self) -> Option<Published> {
        Some(Published { checkpoint: self.newest()?.to_string(), keys: keys::text(&self.public) })
    }

    /// Whether the newest checkpoint bears this key's signature.
    pub(super) fn newest_is_by(&self, key: &VerifyingKey) -> bool {
        self.newest().is_some_and(|note| note.standing(key) == Standing::Signed)
    }
}

/// How many entries of the stream in this folder are signed.
pub(in crate::audit) fn signed(folder: &Path) -> Result<u64, NotaryError> {
    let public = keys::read(&folder.join(KEYS))?.unwrap_or_default();
    let newest = book::newest(folder, &book::tail(folder)?, &public);
    Ok(newest.map_or(0, |signed| signed.checkpoint.size))
}

/// The tree that was kept, if a checkpoint was signed for it.
fn kept_tree(path: &Path, tail: &Tail) -> Option<Range> {
    let kept = Pruned::parse(fs::read(path).ok()?.strip_suffix(b"\n")?).ok()?.range;
    let root = kept.root()?;
    let is_signed = |signed: &&Signed| signed.checkpoint.size == kept.to() && signed.checkpoint.root == root;
    tail.checkpoints.iter().rev().find(is_signed).map(|_| kept)
}

type KeyEntries = Vec<(u64, String)>;

/// The tree of all entries, given that of the first ones; and the key changes among the rest.
fn tree(
    folder: &Path,
    name: &str,
    mut tree: Range,
    signed: Option<&Signed>,
) -> Result<(Range, KeyEntries), NotaryError> {
    let entries = folder.join(ENTRIES);
    let segments = segment::list(&entries).map_err(NotaryError::io("list", &entries))?;
    let removed = removed(folder)?;
    let size = signed.map_or(0, |signed| signed.checkpoint.size);
    let behind = tree.to();
    let cuts = [behind, size];
    // only segments that reach beyond the tree that was kept
    let ends = segments.iter().skip(1).map(|next| next.first).chain([u64::MAX]);
    let read: Vec<_> = segments.iter().zip(ends).filter(|(_, end)| *end > behind).map(|(segment, _)| segment).collect();
    let scans: Vec<(&segment::Segment, Scan)> = read
        .into_par_iter()
        .map(|segment| {
            let failed = |error| NotaryError::io("read", &segment.path)(error);
            let file = segment.open().map_err(failed)?;
            let failed = |error| NotaryError::io("read", &segment.path)(error);
            scan(file, name, segment.first, &cuts).map(|scan| (segment, scan)).map_err(failed)
        })
        .collect::<Result<_, _>>()?;
    let mut keys = Vec::new();
    let check = |tree: &Range| match signed.map(|signed| &signed.checkpoint) {
        Some(signed) if signed.size == tree.to() && tree.root() != Some(signed.root) => {
            Err(NotaryError::Changed { stream: folder.to_owned(), number: signed.number })
        }
        _ => Ok(()),
    };
    for (segment, scan) in scans {
        if let Some(fault) = scan.fault {
            return Err(NotaryError::Entry { path: segment.path.clone(), line: fault.line });
        }
        for gone in removed.iter().filter(|gone| gone.to() <= segment.first) {
            // what was kept of the tree, or of a segment that is still there, has it already
            let _ = tree.extend(gone);
        }
        for slice in scan.slices.iter().filter(|slice| slice.from() >= behind) {
            let missing = |()| NotaryError::Missing { stream: folder.to_owned(), signed: size, found: tree.to() };
            let fits = if slice.from() == tree.to() { Ok(()) } else { Err(()) };
            fits.map_err(missing)?;
            let _ = tree.extend(slice);
            check(&tree)?;
        }
        keys.extend(scan.keys);
    }
    Ok((tree, keys))
}

fn removed(folder: &Path) -> Result<Vec<Range>, NotaryError> {
    let path = folder.join(PRUNED);
    let text = match fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(NotaryError::io("read", &path))?,
    };
    let lines = text.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
    let mut ranges: Vec<Range> = lines.filter_map(|line| Pruned::parse(line).ok()).map(|line| line.range).collect();
    ranges.sort_by_key(Range::from);
    Ok(ranges)
}
