//! One turn of a notary after the other: hash what came, sign where that is due, and let a new key take
//! over: its entry first, then its line in `keys`, then a checkpoint that both keys sign. Whichever of
//! these a crash leaves out is made up for at the next start.

use std::sync::Arc;

use super::book::{Book, failure};
use super::start::Start;
use super::{Desk, NotaryError, Published};
use crate::audit::checkpoint::{Checkpoint, Signed};
use crate::audit::keys;
use crate::audit::note::{SigningKey, VerifyingKey};
use crate::audit::pruned::Pruned;
use crate::audit::storage::Storage;
use crate::audit::tree::Range;
use crate::audit::writer::Failure;
use crate::clock::Clock;

/// The tree is kept aside once it has grown by so many entries, so that a start need not read them again.
const KEEP_AFTER: u64 = 100_000;

/// A checkpoint stays once there are so many entries more than at the last one that does: that is how near a change
/// in a segment that is still open is located.
const STAYS_AFTER: u64 = 10_000;

/// Why a checkpoint is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// `checkpointEvery` is over. It stays only if it is the first, has a new key, or much was written since.
    Due,
    /// Somebody wants it.
    Asked,
    /// What ends here is sealed and archived as one.
    SegmentEnd,
    /// The last one of this process.
    Stop,
}

/// A key that takes over.
struct Rotation {
    key: SigningKey,
    /// The entry that says so.
    entry: u64,
}

pub(super) struct Turn {
    start: Start,
    book: Book,
    clock: Clock,
    /// None as long as nobody has said whose log this is.
    key: Option<SigningKey>,
    rotation: Option<Rotation>,
    /// Why the file of a next key could not be read last time.
    unread: Option<String>,
    newest: Option<Checkpoint>,
    /// Number and size of the newest one that stays.
    stays: (u64, u64),
    /// The size of the tree that was kept last.
    kept: u64,
    storage: Arc<dyn Storage>,
    mended: bool,
}

impl Turn {
    pub fn new(start: Start, storage: Arc<dyn Storage>, clock: Clock) -> Self {
        let newest = start.newest.as_ref().map(|signed| signed.checkpoint.clone());
        let last = start.tail.checkpoints.last().map(|signed| &signed.checkpoint);
        let stays = last.map_or((0, 0), |last| (last.number, last.size));
        let book = Book::new(storage.clone(), start.folder.clone());
        let kept = start.tree.to();
        Self {
            book,
            clock,
            key: None,
            rotation: None,
            unread: None,
            newest,
            stays,
            kept,
            storage,
            start,
            mended: false,
        }
    }

    /// Whether it is still to be said whose log this is.
    pub fn is_nameless(&self) -> bool {
        self.key.is_none()
    }

    /// Gets the keys ready: those of the stream, or the first one for this site.
    pub fn name(&mut self, site: Option<&str>) -> Result<(), Failure> {
        let known = self.start.public.last().map(|key| key.name().to_owned());
        let origin = match (known, site) {
            (Some(origin), site) => {
                if site.is_some_and(|site| origin != format!("{site}/{}", self.start.stream)) {
                    tracing::warn!(origin, "the site has another name now; the stream keeps the one it began with");
                }
                origin
            }
            (None, Some(site)) => format!("{site}/{}", self.start.stream),
            (None, None) => return Ok(()),
        };
        self.ready(&origin).map_err(|error| Failure::new("notarise", &self.start.folder, &error.to_string()))
    }

    fn ready(&mut self, origin: &str) -> Result<(), NotaryError> {
        if !self.mended {
            self.book.mend(&self.start.tail, self.start.newest.as_ref())?;
            self.mended = true;
        }
        let (signing, stream) = (&self.start.signing, self.start.stream.as_str());
        let current = signing.current(stream)?;
        let next = signing.next(stream)?;
        let no_key = || NotaryError::NoKey { origin: origin.to_owned(), keys: self.start.keys_folder.clone() };
        if self.start.public.is_empty() {
            // no keys were published, so nothing was ever signed
            let key = match current.filter(|key| key.public().name() == origin) {
                Some(key) => key,
                None => signing.create(&*self.storage, stream, origin)?,
            };
            let public = vec![key.public().clone()];
            self.book
                .write_keys(&public)
                .map_err(|failure| NotaryError::io("publish", &self.start.folder)(std::io::Error::other(failure)))?;
            self.start.public = public;
            self.key = Some(key);
            return Ok(());
        }
        let is = |key: &SigningKey, known: Option<&VerifyingKey>| Some(key.public()) == known;
        let mut public = self.start.public.iter().rev();
        let (last, before) = (public.next(), public.next());
        let recorded = self.start.rotation.take();
        let key = match (current, next) {
            // it has taken over, but for its file
            (_, Some(next)) if is(&next, last) && self.start.newest_is_by(next.public()) && recorded.is_none() => {
                signing.promote(&*self.storage, stream)?;
                next
            }
            (Some(current), Some(next)) => {
                let in_order = is(&current, last) || (is(&next, last) && is(&current, before));
                if !in_order {
                    return Err(no_key());
                }
                let entry = recorded.filter(|(_, named)| *named == next.public().to_string());
                self.rotation = entry.map(|(entry, _)| Rotation { key: next, entry });
                current
            }
            (Some(current), None) if is(&current, last) && recorded.is_none() => current,
            _ => return Err(no_key()),
        };
        self.key = Some(key);
        Ok(())
    }

    /// Hashes entries, each with its line end.
    pub fn hash(&mut self, entries: &[u8]) {
        for line in entries.split_inclusive(|byte| *byte == b'\n') {
            self.start.tree.push(line.strip_suffix(b"\n").unwrap_or(line));
        }
    }

    /// Signs, if there is anything new; gives the note.
    pub fn sign(&mut self, desk: &dyn Desk, occasion: Occasion) -> Result<Option<Published>, Failure> {
        let Some(key) = self.key.take() else { return Ok(None) };
        let signed = self.sign_by(&key, desk, occasion);
        let promoted = self.promoted(desk);
        self.key = Some(promoted.unwrap_or(key));
        signed
    }

    fn sign_by(&mut self, key: &SigningKey, desk: &dyn Desk, occasion: Occasion) -> Result<Option<Published>, Failure> {
        if self.rotation.is_none() && occasion != Occasion::Stop {
            self.look_for_next(key, desk);
        }
        let size = self.start.tree.to();
        let (number, stays_at) = self.stays;
        let takes_over = self.rotation.as_ref().is_some_and(|rotation| rotation.entry < size);
        let stays = occasion != Occasion::Due || number == 0 || takes_over || size - stays_at >= STAYS_AFTER;
        // nothing new, or only that what was interim is to stay
        if size == stays_at || (!stays && self.newest.as_ref().is_some_and(|newest| newest.size == size)) {
            return Ok(None);
        }
        desk.settle()?;
        let mut keys = vec![key];
        if let Some(rotation) = self.rotation.as_ref().filter(|rotation| rotation.entry < size) {
            let public = rotation.key.public();
            if self.start.public.last() != Some(public) {
                self.start.public.push(public.clone());
                self.book.write_keys(&self.start.public)?;
            }
            keys.push(&rotation.key);
        }
        let signed = Checkpoint {
            origin: key.public().name().to_owned(),
            size,
            root: self.start.tree.root().unwrap_or_default(),
            number: number + 1,
            interim: !stays,
            time: self.clock.now(),
        }
        .sign(&keys);
        if stays {
            self.book.add(&signed)?;
            self.stays = (number + 1, size);
            self.keep_tree(&signed, occasion == Occasion::Stop);
        } else {
            self.book.put(&signed)?;
        }
        let published = Published { checkpoint: signed.note.to_string(), keys: keys::text(&self.start.public) };
        self.newest = Some(signed.checkpoint);
        Ok(Some(published))
    }

    /// Begins to let a new key take over, if one waits. One that cannot be read waits longer: nothing that is signed
    /// depends on it.
    fn look_for_next(&mut self, key: &SigningKey, desk: &dyn Desk) {
        let next = self.start.signing.next(&self.start.stream);
        let unread = next.as_ref().err().map(ToString::to_string);
        if self.unread != unread
            && let Some(why) = &unread
        {
            tracing::warn!("the next key cannot take over yet: {why}");
        }
        self.unread = unread;
        let next = next.ok().flatten().filter(|next| next.public() != key.public());
        self.rotation = next.and_then(|key| {
            let entry = desk.record_key(&key.public().to_string())?;
            Some(Rotation { key, entry })
        });
    }

    /// The key that has taken over, once a checkpoint says so.
    fn promoted(&mut self, desk: &dyn Desk) -> Option<SigningKey> {
        let size = self.newest.as_ref().map_or(0, |newest| newest.size);
        let rotation = self.rotation.take_if(|rotation| rotation.entry < size)?;
        if let Err(error) = self.start.signing.promote(&*self.storage, &self.start.stream) {
            // the next start makes up for it; a disk that errs is asked for nothing more
            desk.fail(Failure::new("put the key in place for", &self.start.folder, &error.to_string()));
        }
        Some(rotation.key)
    }

    /// Keeps the tree aside now and then. Only to save time: what is read back must have the root that was signed.
    fn keep_tree(&mut self, signed: &Signed, last: bool) {
        if self.start.tree.to() < self.kept + if last { 1 } else { KEEP_AFTER } {
            return;
        }
        let mut line = Vec::new();
        let range: Range = self.start.tree.clone();
        Pruned { range, removed_at: signed.checkpoint.time }.write(&mut line);
        line.push(b'\n');
        let path = self.start.signing.tree_path(&self.start.stream);
        if let Err(error) = self.storage.write_small(&path, &line) {
            tracing::warn!("{}", failure("keep", &path, &error));
        }
        self.kept = self.start.tree.to();
    }
}
