//! Ways to tamper with a stream, and what each of them touches.

use std::ops::Range as Span;

use datashare::audit::Disk;
use datashare::audit::checkpoint::{Checkpoint, Signed};
use datashare::audit::keys::SigningKeys;
use datashare::audit::note::SigningKey;
use datashare::audit::pruned::Pruned;
use datashare::audit::tree::Range;
use datashare::audit::verify::{Place, Witness};

use super::memory::Memory;
use super::spoil::{lines, spoil};
use super::{Dice, STREAM, Site, record};

/// A stream with everything in it: plain, sealed and removed segments, two keys, many checkpoints.
pub struct Base {
    pub stream: Memory,
    /// What it was some time earlier.
    earlier: Memory,
    keys: [SigningKey; 2],
    stranger: SigningKey,
    /// The newest checkpoint, kept elsewhere.
    pub witness: Witness,
}

/// One way of tampering, done.
pub struct Mutation {
    pub stream: Memory,
    pub what: String,
    /// The files of which one must be named.
    pub files: Vec<String>,
    /// The lines of which one must be named, if the file is.
    pub lines: Option<Span<u64>>,
    /// The entries that must be among those named, if the file is not.
    pub entries: Option<Span<u64>>,
    /// Only somebody who kept a checkpoint can tell.
    pub needs_witness: bool,
}

impl Base {
    pub fn new() -> Self {
        let site = Site::new();
        let signing = SigningKeys::new(&site.keys());
        let log = site.open();
        for group in 0..3 {
            record(&log, group * 5..group * 5 + 5);
            log.checkpoint_now();
        }
        let first = signing.current(STREAM).unwrap().unwrap();
        let earlier = Memory::read_from(&site.stream());
        signing.create_next(&Disk, STREAM, "jinan/guard-1").unwrap();
        for group in 3..9 {
            record(&log, group * 5..group * 5 + 5);
            log.checkpoint_now();
        }
        let segments = site.segments();
        Site::give_notice(&log, &[&segments[0], &segments[1]]);
        log.checkpoint_now();
        // the newest checkpoint is one that does not stay
        let mut newest = log.published().unwrap();
        log.set_checkpoint_every(std::time::Duration::ZERO);
        record(&log, 45..48);
        while !newest.borrow_and_update().as_deref().is_some_and(|told| {
            let checkpoint = Signed::parse(&told.checkpoint).unwrap().checkpoint;
            checkpoint.interim && checkpoint.size == site.verify().entries
        }) {
            std::thread::yield_now();
        }
        let second = signing.current(STREAM).unwrap().unwrap();
        let segments = site.segments();
        assert!(segments.len() > 7, "{}", segments.len());
        for path in &segments[..2] {
            site.prune(path);
        }
        for path in &segments[3..5] {
            Site::seal(path);
        }
        assert_eq!(site.verify().findings, []);
        let base = Self {
            stream: Memory::read_from(&site.stream()),
            earlier,
            keys: [first, second],
            stranger: SigningKey::generate("jinan/guard-1").unwrap(),
            witness: site.witness(),
        };
        log.close().unwrap();
        base
    }

    /// Some mutation; nothing when it came out the same.
    pub fn mutate(&self, dice: &mut Dice) -> Option<Mutation> {
        match dice.roll(100) {
            0..50 => self.segment(dice),
            50..72 => self.checkpoints(dice),
            72..80 => self.newest(dice),
            80..88 => self.keys(dice),
            88..95 => self.removed(dice),
            _ => Some(self.whole(dice)),
        }
    }

    fn with(&self, file: &str, bytes: Option<Vec<u8>>) -> Memory {
        let mut stream = self.stream.clone();
        match bytes {
            Some(bytes) => stream.0.insert(file.to_owned(), bytes),
            None => stream.0.remove(file),
        };
        stream
    }

    fn segment(&self, dice: &mut Dice) -> Option<Mutation> {
        let pieces = self.stream.pieces(STREAM).unwrap();
        let piece = &pieces[dice.roll(pieces.len())];
        let (file, first) = (piece.file(), piece.first);
        let stored = &self.stream.0[&file];
        if piece.sealed && dice.roll(4) == 0 {
            // the compressed bytes themselves
            let mut bytes = stored.clone();
            let at = dice.roll(bytes.len());
            bytes[at] ^= u8::try_from(1 + dice.roll(255)).unwrap();
            let plain = |bytes: &[u8]| zstd::decode_all(bytes).ok();
            let end = pieces.iter().find(|next| next.first > first).unwrap().first;
            return (plain(&bytes) != plain(stored)).then(|| Mutation {
                stream: self.with(&file, Some(bytes)),
                what: format!("sealed byte {at} of {file}"),
                files: vec![file.clone()],
                lines: None,
                entries: Some(first..end),
                needs_witness: false,
            });
        }
        let plain = if piece.sealed { zstd::decode_all(&**stored).unwrap() } else { stored.clone() };
        let (bytes, what, lines) = match dice.roll(8) {
            0 => {
                let (mut lines, at) = (lines(&plain), dice.roll(lines(&plain).len()));
                let text = String::from_utf8(lines[at].clone()).unwrap();
                let edited = ["call", "p-1", "p-2", "p-3", "00:00", "guard"].iter().find_map(|word| {
                    let other = match *word {
                        "call" => "cell",
                        "p-1" => "p-9",
                        "p-2" => "p-8",
                        "p-3" => "q-3",
                        "00:00" => "00:01",
                        _ => "gnard",
                    };
                    text.contains(word).then(|| text.replacen(word, other, 1))
                });
                lines[at] = edited?.into_bytes();
                (Some(lines.concat()), "edited".to_owned(), at..at + 1)
            }
            1 => (None, "deleted".to_owned(), 0..lines(&plain).len()),
            _ => spoil(&plain, dice)?,
        };
        if bytes.as_ref() == Some(&plain) {
            return None;
        }
        let stored = bytes.map(|bytes| if piece.sealed { zstd::encode_all(&*bytes, 3).unwrap() } else { bytes });
        let (from, to) = (lines.start as u64, lines.end as u64);
        Some(Mutation {
            stream: self.with(&file, stored),
            what: format!("{what} line {} of {file}", from + 1),
            files: vec![file],
            lines: Some(from + 1..to + 2),
            entries: Some(first + from..first + to + 1),
            needs_witness: false,
        })
    }

    fn checkpoints(&self, dice: &mut Dice) -> Option<Mutation> {
        let file = "checkpoints.jsonl";
        let text = &self.stream.0[file];
        let (bytes, what, touched) = if dice.roll(4) == 0 {
            let mut lines = lines(text);
            let at = dice.roll(lines.len());
            let signed = Signed::parse_line(lines[at].strip_suffix(b"\n").unwrap()).unwrap();
            let by = [&self.keys[0], &self.keys[1], &self.stranger][dice.roll(3)];
            let size = signed.checkpoint.size;
            let mut checkpoint = signed.checkpoint;
            let what = match dice.roll(4) {
                0 => "signed again, by another key",
                1 => {
                    checkpoint.root[dice.roll(32)] ^= 1;
                    "another root, signed"
                }
                2 => {
                    checkpoint.size += 1;
                    "another size, signed"
                }
                _ => {
                    checkpoint.number += 1;
                    "another number, signed"
                }
            };
            // of entries that are gone nobody can tell any more what their owner signed, but who kept it
            let gone = self.stream.pieces(STREAM).unwrap()[0].first;
            if size < gone && matches!(what, "another root, signed" | "another size, signed") {
                return None;
            }
            let mut line = checkpoint.sign(&[by]).line();
            line.push(b'\n');
            // a key signs the same text the same way
            if line == lines[at] {
                return None;
            }
            lines[at] = line;
            (Some(lines.concat()), what.to_owned(), at..at + 1)
        } else if dice.roll(12) == 0 {
            (None, "deleted".to_owned(), 0..lines(text).len())
        } else {
            spoil(text, dice)?
        };
        if bytes.as_ref() == Some(text) {
            return None;
        }
        let (from, to) = (touched.start as u64, touched.end as u64);
        // the root it was signed for is a place among the entries
        let size = |line: usize| {
            let all = lines(text);
            let line = all.get(line).or(all.last()).unwrap();
            Signed::parse_line(line.strip_suffix(b"\n").unwrap()).unwrap().checkpoint.size
        };
        Some(Mutation {
            stream: self.with(file, bytes),
            what: format!("{what} line {} of {file}", from + 1),
            files: vec![file.to_owned()],
            lines: Some(from + 1..to + 2),
            // one more, if it now claims an entry that there is not
            entries: Some(touched.start.checked_sub(1).map_or(0, size)..size(touched.end) + 1),
            needs_witness: false,
        })
    }

    fn newest(&self, dice: &mut Dice) -> Option<Mutation> {
        let file = "checkpoint";
        let text = &self.stream.0[file];
        let all = lines(&self.stream.0["checkpoints.jsonl"]);
        let (bytes, what) = match dice.roll(4) {
            0 => (None, "deleted".to_owned()),
            1 => {
                let at = dice.roll(all.len() - 1);
                let older = Signed::parse_line(all[at].strip_suffix(b"\n").unwrap()).unwrap();
                (Some(older.note.to_string().into_bytes()), format!("rolled back to {}", at + 1))
            }
            2 => {
                let by = [&self.keys[0], &self.stranger][dice.roll(2)];
                let checkpoint = self.witness.signed.checkpoint.clone();
                (Some(checkpoint.sign(&[by]).note.to_string().into_bytes()), "signed by another key".to_owned())
            }
            _ => {
                let (bytes, what, _) = spoil(text, dice)?;
                (bytes, what)
            }
        };
        if bytes.as_ref() == Some(text) {
            return None;
        }
        Some(Mutation {
            stream: self.with(file, bytes),
            what: format!("{what} {file}"),
            files: vec![file.to_owned()],
            lines: None,
            entries: None,
            needs_witness: false,
        })
    }

    fn keys(&self, dice: &mut Dice) -> Option<Mutation> {
        let file = "keys";
        let text = &self.stream.0[file];
        let (bytes, what) = match dice.roll(4) {
            0 => (None, "deleted".to_owned()),
            1 => {
                let mut lines = lines(text);
                let at = dice.roll(lines.len() + 1);
                lines.insert(at, format!("{}\n", self.stranger.public()).into_bytes());
                (Some(lines.concat()), format!("a stranger at line {} of", at + 1))
            }
            2 => {
                let mut lines = lines(text);
                let at = dice.roll(lines.len());
                lines[at] = format!("{}\n", self.stranger.public()).into_bytes();
                (Some(lines.concat()), format!("a stranger instead of line {} of", at + 1))
            }
            _ => {
                let (bytes, what, _) = spoil(text, dice)?;
                (bytes, what)
            }
        };
        if bytes.as_ref() == Some(text) {
            return None;
        }
        Some(Mutation {
            stream: self.with(file, bytes),
            what: format!("{what} {file}"),
            // another key in the place of one shows by what it has not signed
            files: vec![file.to_owned(), "checkpoints.jsonl".to_owned()],
            lines: None,
            entries: None,
            needs_witness: false,
        })
    }

    fn removed(&self, dice: &mut Dice) -> Option<Mutation> {
        let file = "pruned.jsonl";
        let text = &self.stream.0[file];
        let ranges = |text: &[u8]| {
            let all = lines(text);
            let parse = |line: &Vec<u8>| Some(Pruned::parse(line.strip_suffix(b"\n")?).ok()?.range);
            let mut ranges: Vec<Option<Range>> = all.iter().map(parse).collect();
            // in which order they were removed is nothing that the file is asked for
            ranges.sort_by_key(|range| range.as_ref().map(Range::from));
            ranges
        };
        if dice.roll(3) == 0 {
            return Some(self.removed_before_its_time(dice));
        }
        let (bytes, what) = match dice.roll(5) {
            0 => (None, "deleted".to_owned()),
            1 => {
                let at = dice.roll(ranges(text).len());
                let range = ranges(text)[at].clone().unwrap();
                let mut nodes = range.nodes().to_vec();
                let node = dice.roll(nodes.len());
                nodes[node].hash[dice.roll(32)] ^= 1;
                let range = Range::of_cover(range.from(), range.to(), nodes).unwrap();
                let mut all = lines(text);
                let removed_at = Pruned::parse(all[at].strip_suffix(b"\n").unwrap()).unwrap().removed_at;
                let mut line = Vec::new();
                Pruned { range, removed_at }.write(&mut line);
                line.push(b'\n');
                all[at] = line;
                (Some(all.concat()), "another hash in".to_owned())
            }
            _ => {
                let (bytes, what, _) = spoil(text, dice)?;
                (bytes, what)
            }
        };
        // when something was removed is told by an entry of the record, not by this file
        if let Some(bytes) = &bytes
            && (bytes == text || (ranges(bytes) == ranges(text) && ranges(text).iter().all(Option::is_some)))
        {
            return None;
        }
        let end = ranges(text).into_iter().flatten().map(|range| range.to()).max().unwrap();
        Some(Mutation {
            stream: self.with(file, bytes),
            what: format!("{what} {file}"),
            files: vec![file.to_owned()],
            lines: None,
            entries: Some(0..end),
            needs_witness: false,
        })
    }

    /// A segment is taken away, or others are put in its place, and a line says that it was removed on time.
    fn removed_before_its_time(&self, dice: &mut Dice) -> Mutation {
        let pieces = self.stream.pieces(STREAM).unwrap();
        let at = dice.roll(pieces.len() - 1);
        let (piece, next) = (&pieces[at], pieces[at + 1].first);
        let stored = &self.stream.0[&piece.file()];
        let text = if piece.sealed { zstd::decode_all(&**stored).unwrap() } else { stored.clone() };
        let mut range = Range::empty_at(piece.first);
        lines(&text).iter().for_each(|line| range.push(line.strip_suffix(b"\n").unwrap()));
        let mut pruned = self.stream.0["pruned.jsonl"].clone();
        Pruned { range, removed_at: super::noon() }.write(&mut pruned);
        pruned.push(b'\n');
        let mut stream = self.with("pruned.jsonl", Some(pruned));
        stream.0.remove(&piece.file());
        let what = if dice.roll(2) == 0 {
            "taken away as if on time"
        } else {
            // less than all of it, with another user
            let kept = lines(&text).concat().len() - lines(&text).last().unwrap().len();
            let other = String::from_utf8_lossy(&text[..kept]).replace("\"user\":\"p-", "\"user\":\"q-");
            stream.0.insert(format!("entries/{:020}.jsonl", piece.first), other.into_bytes());
            "others left in place of one that was removed"
        };
        Mutation {
            stream,
            what: format!("entries {} to {next} {what}", piece.first),
            files: vec!["pruned.jsonl".to_owned(), format!("entries/{:020}.jsonl", piece.first)],
            lines: None,
            entries: Some(piece.first..next),
            needs_witness: false,
        }
    }

    fn whole(&self, dice: &mut Dice) -> Mutation {
        let any = |files: &[&str]| files.iter().map(|file| (*file).to_owned()).collect();
        match dice.roll(4) {
            0 => Mutation {
                stream: self.earlier.clone(),
                what: "rolled back".to_owned(),
                // to before the key that signed what was kept
                files: any(&["checkpoints.jsonl", "keys"]),
                lines: None,
                entries: None,
                needs_witness: true,
            },
            1 => {
                // one file of an earlier state among the newer ones
                let old = ["checkpoints.jsonl", "checkpoint", "keys"][dice.roll(3)];
                Mutation {
                    stream: self.with(old, Some(self.earlier.0[old].clone())),
                    what: format!("{old} of an earlier state"),
                    files: any(&["checkpoints.jsonl", "checkpoint", "keys"]),
                    lines: None,
                    entries: None,
                    needs_witness: false,
                }
            }
            2 => Mutation {
                stream: self.rewritten(&[&self.keys[0]]),
                what: "an entry edited, and all signed again with the key of an earlier time".to_owned(),
                // the entry that names the newer key is still there
                files: any(&["checkpoints.jsonl", "keys"]),
                lines: None,
                entries: None,
                needs_witness: false,
            },
            _ => Mutation {
                stream: self.rewritten(&[&self.stranger]),
                what: "an entry edited, and all signed again with a new key".to_owned(),
                files: any(&["checkpoints.jsonl", "keys"]),
                lines: None,
                entries: None,
                needs_witness: dice.roll(2) == 0,
            },
        }
    }

    /// The stream with its last call edited, and every checkpoint from the first that covers it signed again.
    fn rewritten(&self, by: &[&SigningKey]) -> Memory {
        let mut stream = self.stream.clone();
        let pieces = stream.pieces(STREAM).unwrap();
        let mut tree = Range::empty_at(0);
        let mut roots = std::collections::BTreeMap::new();
        for line in lines(&stream.0["pruned.jsonl"]) {
            tree.extend(&Pruned::parse(line.strip_suffix(b"\n").unwrap()).unwrap().range).unwrap();
        }
        for piece in pieces {
            let stored = &stream.0[&piece.file()];
            let plain = if piece.sealed { zstd::decode_all(&**stored).unwrap() } else { stored.clone() };
            let edited = String::from_utf8(plain).unwrap().replace("\"p-44\"", "\"p-99\"").into_bytes();
            for line in lines(&edited) {
                tree.push(line.strip_suffix(b"\n").unwrap());
                roots.insert(tree.to(), tree.root().unwrap());
            }
            let stored = if piece.sealed { zstd::encode_all(&*edited, 3).unwrap() } else { edited };
            stream.0.insert(piece.file(), stored);
        }
        let mut list = Vec::new();
        for line in lines(&stream.0["checkpoints.jsonl"]) {
            let signed = Signed::parse_line(line.strip_suffix(b"\n").unwrap()).unwrap();
            let size = signed.checkpoint.size;
            let again = match roots.get(&size) {
                Some(root) => Checkpoint { root: *root, ..signed.checkpoint }.sign(by),
                None => signed.checkpoint.sign(by),
            };
            list.extend(again.line());
            list.push(b'\n');
            stream.0.insert("checkpoint".to_owned(), again.note.to_string().into_bytes());
        }
        stream.0.insert("checkpoints.jsonl".to_owned(), list);
        stream
    }
}
