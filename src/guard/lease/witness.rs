//! What a guard's Lease remembers of its record: the newest checkpoint, and the last ones of records that
//! the guard had before its disk was lost or set back. Nothing that was a witness once is written over.

use crate::audit::checkpoint::Signed;

/// Earlier records that are remembered: a disk is lost now and then, not every day.
const EARLIER: usize = 8;

/// Keys that are shown: the one a stream began with, and the newest.
const KEYS: usize = 64;

/// Of the lines of a `keys` file those that a Lease has room for.
#[must_use]
pub fn shown(keys: &str) -> String {
    let lines = keys.split_inclusive('\n');
    let newest = lines.clone().count().saturating_sub(KEYS);
    lines.enumerate().filter(|(number, _)| *number == 0 || *number > newest).map(|(_, line)| line).collect()
}

/// The checkpoints of one Lease, as notes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    pub newest: Option<String>,
    /// Oldest first.
    pub earlier: Vec<String>,
}

impl Remembered {
    /// What a Lease's two annotations say.
    #[must_use]
    pub fn read(newest: Option<&String>, earlier: Option<&String>) -> Self {
        let earlier = earlier.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Self { newest: newest.cloned(), earlier }
    }

    /// What it says from now on, given the newest checkpoint of the record that is there.
    #[must_use]
    pub fn then(mut self, own: Option<&str>) -> Self {
        let Some(own) = own else { return self };
        let lost = self.newest.replace(own.to_owned()).filter(|before| !goes_on(own, before));
        // what is none of ours says nothing about any record
        if let Some(lost) = lost.filter(|lost| Signed::parse(lost).is_ok() && !self.earlier.contains(lost)) {
            self.earlier.push(lost);
            let old = self.earlier.len().saturating_sub(EARLIER);
            self.earlier.drain(..old);
        }
        self
    }

    /// All of them that can be read.
    pub fn all(&self) -> impl Iterator<Item = Signed> {
        self.earlier.iter().chain(&self.newest).filter_map(|note| Signed::parse(note).ok())
    }

    /// Those of one stream, of whatever site.
    pub fn of_stream(&self, stream: &str) -> impl Iterator<Item = Signed> {
        self.all().filter(move |signed| signed.checkpoint.origin.rsplit('/').next() == Some(stream))
    }

    /// The checkpoint of a record that is not the one that is there now, or that is more than is there.
    #[must_use]
    pub fn lost(&self, own: Option<&str>) -> Option<Signed> {
        let before = self.newest.as_deref()?;
        if own.is_some_and(|own| goes_on(own, before)) { None } else { Signed::parse(before).ok() }
    }
}

/// Whether the record with checkpoint `now` can be a later state of the one with `before`.
fn goes_on(now: &str, before: &str) -> bool {
    let (Ok(now), Ok(before)) = (Signed::parse(now), Signed::parse(before)) else { return false };
    let (now, before) = (now.checkpoint, before.checkpoint);
    now.origin == before.origin && now.size >= before.size && now.number >= before.number
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audit::checkpoint::Checkpoint;
    use crate::audit::note::SigningKey;

    fn note(origin: &str, size: u64) -> String {
        let key = SigningKey::generate(origin).unwrap();
        let time = "2026-11-27T00:00:00Z".parse().unwrap();
        let (root, number, interim) = ([1; 32], 1 + size / 10, !size.is_multiple_of(10));
        Checkpoint { origin: origin.to_owned(), size, root, number, interim, time }.sign(&[&key]).note.to_string()
    }

    #[test]
    fn a_lost_record_is_remembered_and_so_is_one_that_was_set_back() {
        let (first, later, other) = (note("s/guard-0-a", 5), note("s/guard-0-a", 9), note("s/guard-0-b", 2));
        let fresh = Remembered::default();
        assert_eq!((fresh.lost(Some(&first)), fresh.lost(None)), (None, None));
        let told = fresh.then(None).then(Some(&first)).then(Some(&later));
        assert_eq!((told.newest.as_ref(), told.earlier.len()), (Some(&later), 0));
        assert_eq!(told.lost(Some(&later)), None);
        // an empty disk: before the new record has a checkpoint, and after
        let size = |lost: Option<Signed>| lost.map(|signed| signed.checkpoint.size);
        assert_eq!((size(told.lost(None)), size(told.lost(Some(&other)))), (Some(9), Some(9)));
        let told = told.then(None);
        assert_eq!((told.newest.as_ref(), told.earlier.len()), (Some(&later), 0));
        let told = told.then(Some(&other)).then(Some(&note("s/guard-0-b", 3)));
        assert_eq!(told.earlier, std::slice::from_ref(&later));
        let sizes =
            |told: &Remembered, of: &str| told.of_stream(of).map(|signed| signed.checkpoint.size).collect::<Vec<_>>();
        assert_eq!(
            (sizes(&told, "guard-0-b"), sizes(&told, "guard-0-a"), sizes(&told, "a")),
            (vec![3], vec![9], vec![])
        );
        // a disk that was set back
        let back = Remembered { newest: Some(later.clone()), earlier: vec![] };
        assert_eq!(size(back.lost(Some(&first))), Some(9));
        let back = back.then(Some(&first)).then(Some(&first));
        assert_eq!(sizes(&back, "guard-0-a"), [9, 5]);
        assert_eq!((back.newest, back.earlier), (Some(first), vec![later]));
    }

    #[test]
    fn the_first_key_is_shown_and_the_newest() {
        let keys = |count: usize| (0..count).map(|number| format!("{number}\n")).collect::<String>();
        for few in [0, 1, 2, KEYS] {
            assert_eq!(shown(&keys(few)), keys(few));
        }
        let many = shown(&keys(200));
        assert_eq!((many.lines().count(), many.lines().next(), many.lines().nth(1)), (KEYS, Some("0"), Some("137")));
        assert!(many.ends_with("\n199\n"));
    }

    proptest! {
        #[test]
        fn nothing_that_stands_there_grows_without_bound(newest in "\\PC{0,40}", earlier in "\\PC{0,40}", sizes in prop::collection::vec(1_u64..99, 1..30)) {
            let mut told = Remembered::read(Some(&newest), Some(&earlier));
            for size in sizes {
                told = told.then(Some(&note("s/a", size)));
            }
            prop_assert!(told.earlier.len() <= EARLIER);
            let text = serde_json::to_string(&told.earlier).unwrap();
            let again = Remembered::read(told.newest.as_ref(), Some(&text));
            prop_assert_eq!(again, told);
        }
    }
}
