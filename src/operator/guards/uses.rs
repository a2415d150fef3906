//! How grants are used, of all guards together. A status that followed every call would be written with every call, so it
//! is told within moments that a grant is used at all, and then once in a while.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::clock::apart;
use crate::judge::facts::Key;
use crate::judge::status::{Use, UsedBy, use_of};

/// A grant's use is told no more often.
const EVERY: SignedDuration = SignedDuration::from_hours(1);

/// What guards have told.
#[derive(Debug, Default)]
pub struct Uses {
    /// By guard.
    grants: HashMap<Key, BTreeMap<String, Use>>,
    /// Grants of which something new was told.
    news: HashSet<Key>,
    /// When a grant was last to be looked at for its use.
    told: HashMap<Key, Timestamp>,
}

impl Uses {
    pub fn take(&mut self, guard: &str, used: &UsedBy) {
        for (grant, used) in used.grants() {
            let by = self.grants.entry(grant.clone()).or_default();
            if by.get(guard) != Some(&used) {
                by.insert(guard.to_owned(), used);
                self.news.insert(grant);
            }
        }
    }

    pub fn forget(&mut self, grant: &Key) {
        self.grants.remove(grant);
        self.news.remove(grant);
        self.told.remove(grant);
    }

    /// What is new, and which grants are to be looked at for it now.
    pub fn news<D: PartialEq>(&mut self, now: Timestamp, day: impl Fn(Timestamp) -> D) -> (Vec<(Key, Use)>, Vec<Key>) {
        let (mut news, mut due) = (Vec::new(), Vec::new());
        for grant in std::mem::take(&mut self.news) {
            let each = self.grants.get(&grant).into_iter().flatten().map(|(_, used)| *used);
            let Some(used) = use_of(each, &day) else { continue };
            news.push((grant.clone(), used));
            if self.told.get(&grant).is_none_or(|told| apart(now, *told) >= EVERY) {
                self.told.insert(grant.clone(), now);
                due.push(grant);
            }
        }
        (news, due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_adds_up_and_is_told_at_once_and_then_seldom() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let key = Key::new("n", "a");
        let told = |second, calls| UsedBy::new(vec![(key.clone(), Use { last: at(second), calls })]);
        let mut all = Uses::default();
        let look = |uses: &mut Uses, now| uses.news(at(now), |at| at.as_second() / 86_400);
        all.take("guard-0", &told(10, 3));
        all.take("guard-1", &told(20, 4));
        let both = vec![(key.clone(), Use { last: at(20), calls: 7 })];
        assert_eq!(look(&mut all, 30), (both, vec![key.clone()]));
        assert_eq!(look(&mut all, 31), (vec![], vec![]), "nothing new");
        all.take("guard-1", &told(20, 4));
        assert_eq!(look(&mut all, 32), (vec![], vec![]), "told again");
        all.take("guard-0", &told(40, 5));
        assert_eq!(look(&mut all, 50), (vec![(key.clone(), Use { last: at(40), calls: 9 })], vec![]), "soon after");
        all.take("guard-0", &told(3700, 6));
        assert_eq!(look(&mut all, 3700).1, std::slice::from_ref(&key), "after a while");
        all.forget(&key);
        all.take("guard-0", &told(3701, 1));
        assert_eq!(look(&mut all, 3702).1, std::slice::from_ref(&key), "another of the same name");
    }
}
