//! Properties of the judge over many small worlds: order does not matter, step by step is the same
//! as all at once, and neither a Revocation more nor a signature less ever opens anything.

use datashare::judge::facts::Key;
use datashare::judge::index::{Change, Index, Standing};
use datashare::judge::ledger::{Ledger, LedgerEntry, Scope};
use datashare::judge::reason::Reason;
use proptest::prelude::*;
use serde_json::json;

use super::world::{Approver, PROVIDER, SYSTEM, Scene, UNIT, at, now, revocation, signers, site};

/// What may be there; each is an event of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Object {
    Resource,
    Request,
    Grant(usize),
    Revocation(usize),
}

const OBJECTS: [Object; 8] = [
    Object::Resource,
    Object::Request,
    Object::Grant(0),
    Object::Grant(1),
    Object::Grant(2),
    Object::Revocation(0),
    Object::Revocation(1),
    Object::Revocation(2),
];

#[derive(Clone, Debug)]
struct World {
    /// Who signed each grant: bits into [`approvers`].
    signed: [u8; 3],
    narrowed: bool,
    enforced: bool,
    there: Vec<Object>,
}

fn approvers() -> [Approver; 4] {
    [
        Approver::new("Provider", "director@jinan", "2026-11-18T10:00:00+08:00"),
        Approver::new("DataAuthority", "share@jinan", "2026-11-19T10:00:00+08:00"),
        Approver::new("Provider", "deputy@jinan", "2026-11-19T11:00:00+08:00"),
        Approver::new("DataAuthority", "director@jinan", "2026-11-19T12:00:00+08:00"),
    ]
}

impl World {
    /// A grant, its successor, and a copy with a serial of the first.
    fn scene(&self, nth: usize) -> Scene {
        let mut scene = match nth {
            0 => Scene::new(),
            1 => Scene::new().with_serial("successor", "S-2"),
            _ => Scene::new().with_serial("copy", "S-1"),
        };
        if nth == 1 {
            scene.terms["supersedes"] = "S-1".into();
        }
        if self.narrowed {
            scene.terms["fields"] = json!(["use"]);
        }
        let bits = self.signed[nth];
        scene.approvals =
            approvers().into_iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, a)| a).collect();
        scene
    }

    fn put(&self, object: Object) -> Change {
        match object {
            Object::Resource => Change::Resource(Scene::new().resource()),
            Object::Request => Change::from(Scene::new().request()),
            Object::Grant(nth) => Change::from(self.scene(nth).grant()),
            Object::Revocation(0) => Change::Revocation(revocation("r0", &json!({"grant": {"serial": "S-2"}}), None)),
            Object::Revocation(1) => {
                Change::Revocation(revocation("r1", &json!({"unit": {"code": UNIT}}), Some(&["marriages"])))
            }
            Object::Revocation(_) => {
                Change::Revocation(revocation("r2", &json!({"system": {"unitCode": UNIT, "name": SYSTEM}}), None))
            }
        }
    }

    fn gone(&self, object: Object) -> Option<Change> {
        Some(match object {
            Object::Resource => Change::ResourceGone(Scene::resource_key()),
            Object::Request => Change::RequestGone(Scene::request_key()),
            Object::Grant(nth) => Change::GrantGone(self.scene(nth).key()),
            // what a Revocation ended stays ended, so its coming and going is no noise
            Object::Revocation(_) => return None,
        })
    }

    fn empty(&self) -> Index {
        let mut ledger = Ledger::default();
        if self.enforced {
            ledger.take(&LedgerEntry::Enforced {
                namespace: PROVIDER.into(),
                serial: "S-1".into(),
                digest: self.scene(0).grant().terms,
                scope: Scope { resource: "ownership".into(), unit: UNIT.into(), system: SYSTEM.into() },
                not_after: at("2027-10-31T00:00:00+08:00"),
                at: now(),
            });
        }
        Index::new(site(), signers(), ledger)
    }

    fn loaded(&self) -> (Index, Vec<LedgerEntry>) {
        let mut index = self.empty();
        let effects = index.load(self.there.iter().map(|object| self.put(*object)), now());
        (index, effects.ledger)
    }

    fn keys(&self) -> [Key; 3] {
        [0, 1, 2].map(|nth| self.scene(nth).key())
    }

    fn standings(&self, index: &Index) -> [Option<Standing>; 3] {
        self.keys().map(|key| index.standing(&key, now()))
    }

    /// Whether each serves, or would once its serial is on disk.
    fn open(&self) -> [bool; 3] {
        let (index, _) = self.loaded();
        self.standings(&index).map(|standing| match standing {
            Some(Standing::Serves) => true,
            Some(Standing::Refused(finding)) => finding.reason == Reason::Enforcing,
            None => false,
        })
    }
}

fn worlds() -> impl Strategy<Value = World> {
    let masks = prop::array::uniform3(prop_oneof![Just(0b0011_u8), Just(0b0111), 0_u8..16]);
    let there = prop::sample::subsequence(OBJECTS.to_vec(), 0..=OBJECTS.len());
    let most = prop_oneof![Just(OBJECTS[..4].to_vec()), Just(OBJECTS[..5].to_vec()), Just(OBJECTS.to_vec()), there];
    (masks, any::<bool>(), any::<bool>(), most).prop_map(|(signed, narrowed, enforced, there)| World {
        signed,
        narrowed,
        enforced,
        there,
    })
}

fn histories() -> impl Strategy<Value = (World, Vec<(Object, bool)>)> {
    worlds().prop_flat_map(|world| {
        let noise = prop::collection::vec((prop::sample::select(OBJECTS.to_vec()), any::<bool>()), 0..8);
        let order = Just(world.there.clone()).prop_shuffle();
        (Just(world), noise, order).prop_map(|(world, noise, order)| {
            // whatever came and went, the last word on each object is the world's
            let noise = noise.into_iter().filter(|(object, _)| !matches!(object, Object::Revocation(_)));
            let absent = OBJECTS.iter().filter(|object| !world.there.contains(object)).map(|object| (*object, false));
            let last = order.into_iter().map(|object| (object, true));
            let history = noise.chain(absent).chain(last).collect();
            (world, history)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn step_by_step_in_any_order_is_the_same_as_all_at_once((world, history) in histories()) {
        let (mut at_once, entries) = world.loaded();
        let mut stepwise = world.empty();
        for (object, there) in history {
            if let Some(change) = if there { Some(world.put(object)) } else { world.gone(object) } {
                stepwise.apply(change, now());
            }
        }
        prop_assert_eq!(world.standings(&stepwise), world.standings(&at_once));
        // what enforcing closes depends on which grant got there first, so both take the same facts
        at_once.record(&entries, now());
        stepwise.record(&entries, now());
        prop_assert_eq!(world.standings(&stepwise), world.standings(&at_once));
    }

    #[test]
    fn a_revocation_more_opens_nothing(world in worlds(), nth in 0_usize..3) {
        let extra = Object::Revocation(nth);
        let mut with = world.clone();
        if !with.there.contains(&extra) {
            with.there.push(extra);
        }
        for (before, after) in world.open().into_iter().zip(with.open()) {
            prop_assert!(before || !after);
        }
    }

    #[test]
    fn a_signature_less_opens_nothing(world in worlds(), nth in 0_usize..3, bit in 0_usize..4) {
        // By the contract a person or a key that signed for two roles counts in neither, so taking
        // one of those two signatures away may mend the grant: exactly that is left out.
        let all = approvers();
        let signed = |at: usize| world.signed[nth] & (1 << at) != 0;
        let twice = (0..4).any(|at| {
            at != bit && signed(at) && all[at].role != all[bit].role
                && (all[at].principal == all[bit].principal || all[at].seed == all[bit].seed)
        });
        prop_assume!(signed(bit) && !twice);
        let mut without = world.clone();
        without.signed[nth] &= !(1 << bit);
        prop_assert!(world.open()[nth] || !without.open()[nth]);
    }
}
