//! What a guard in a cluster is told by the operator: facts that are durable, and the tokens of a grant. It writes
//! nothing down itself.

use datashare::approval::signers::Signers;
use datashare::judge::facts::{Bar, Key};
use datashare::judge::index::{Change, Index, Issued, Standing};
use datashare::judge::ledger::{Ledger, LedgerEntry};
use datashare::judge::reason::Reason;
use datashare::judge::refusal::Code;

use super::world::{PROVIDER, Scene, TOKEN, UNIT, ask, at, credential, now, revocation, signers, site};

fn issued(serial: &str, first: u8) -> Issued {
    let mut hash = TOKEN;
    hash[0] = hash[0].wrapping_add(first);
    Issued { serial: serial.into(), hash, credential: credential() }
}

#[test]
fn a_grant_serves_once_its_enforcement_is_told_and_not_before() {
    let scene = Scene::new();
    let mut index = Index::new(site(), signers(), Ledger::default());
    let wanted = index.load(scene.changes(), now());
    index.replace_credentials(&scene.key(), [issued("S-1", 0)]);
    let standing = index.standing(&scene.key(), now()).unwrap();
    assert!(matches!(standing, Standing::Refused(finding) if finding.reason == Reason::Enforcing));
    assert_eq!(ask(&index), Err(Code::GrantSuspended));
    assert!(index.record(&wanted.ledger, now()).changed.contains(&scene.key()));
    assert_eq!(ask(&index), Ok(()));
}

#[test]
fn replaced_tokens_are_nobodys_and_those_of_other_grants_stay() {
    let scene = Scene::new();
    let mut index = scene.serving();
    let other = Key::new(PROVIDER, "other");
    index.replace_credentials(&scene.key(), [issued("S-1", 0)]);
    index.replace_credentials(&other, [issued("S-9", 1)]);
    index.replace_credentials(&scene.key(), [issued("S-1", 2)]);
    assert_eq!(ask(&index), Err(Code::CredentialInvalid));
    assert!(index.identify(&issued("S-1", 2).hash, None, now()).is_some());
    index.replace_credentials(&scene.key(), [issued("S-1", 0), issued("S-1", 2)]);
    assert_eq!(ask(&index), Ok(()));
    // a token that another grant lists too belongs to that one, and goes with it
    index.replace_credentials(&other, [issued("S-9", 0)]);
    assert_eq!(ask(&index), Err(Code::CredentialInvalid));
    index.replace_credentials(&scene.key(), []);
    assert!(index.identify(&issued("S-1", 2).hash, None, now()).is_none());
    // one of an older decision under the same name
    index.replace_credentials(&scene.key(), [issued("S-0", 0)]);
    assert_eq!(ask(&index), Err(Code::CredentialInvalid));
    index.start_over(site());
    index.replace_credentials(&scene.key(), []);
    index.load(scene.changes(), now());
    index.apply(Change::Signers(signers()), now());
    assert!(index.identify(&issued("S-0", 0).hash, None, now()).is_none(), "kept over a new start, and replaced after");
}

#[test]
fn the_newest_token_of_a_grant_is_known_and_goes_with_the_others() {
    let scene = Scene::new();
    let mut index = scene.serving();
    let of = |first, begins: &str| {
        let mut one = issued("S-1", first);
        one.credential.not_before = at(begins);
        one
    };
    let [first, second, third] = ["2026-11-10T00:00:00Z", "2026-11-11T00:00:00Z", "2026-11-12T00:00:00Z"];
    let newest = |index: &Index| index.newest_token(&scene.key()).map(|token| token.not_before);
    index.replace_credentials(&scene.key(), [of(0, first), of(1, third), of(2, second)]);
    assert_eq!(newest(&index), Some(at(third)));
    index.replace_credentials(&scene.key(), [of(0, first)]);
    assert_eq!(newest(&index), Some(at(first)));
    index.replace_credentials(&Key::new(PROVIDER, "other"), [of(0, first)]);
    assert_eq!(newest(&index), None, "another grant's now");
    index.replace_credentials(&scene.key(), [of(3, second)]);
    index.apply(Change::GrantGone(scene.key()), now());
    assert_eq!(newest(&index), None, "nobody there to have one");
    index.apply(Change::from(scene.grant()), now());
    assert_eq!(newest(&index), Some(at(second)));
    index.replace_credentials(&scene.key(), []);
    assert_eq!(newest(&index), None);
}

#[test]
fn grants_are_met_once_each_in_pieces_of_any_size() {
    let scene = Scene::new();
    let mut index = scene.serving();
    for number in 0..6 {
        let another = scene.clone().with_serial(&format!("another-{number}"), &format!("S-2{number}"));
        index.apply(Change::from(another.grant()), now());
    }
    index.apply(Change::GrantGone(Key::new(PROVIDER, "another-3")), now());
    let all: Vec<_> = index.grants().map(|grant| grant.key.clone()).collect();
    assert_eq!(all.len(), 6);
    for many in 1..10 {
        let pieces = (0..).step_by(many).map_while(|from| Some(index.some_grants(from, many)?.collect::<Vec<_>>()));
        let met: Vec<_> = pieces.flatten().map(|grant| grant.key.clone()).collect();
        assert_eq!(met, all, "{many}");
    }
}

#[test]
fn a_bar_that_was_seen_by_the_operator_alone_closes_here_too() {
    let scene = Scene::new();
    let mut index = scene.serving();
    let bar = LedgerEntry::Barred {
        namespace: PROVIDER.into(),
        name: "r".into(),
        bar: Bar::Unit { code: UNIT.into() },
        resources: None,
        at: now(),
    };
    index.record(std::slice::from_ref(&bar), now());
    assert_eq!(ask(&index), Err(Code::UnitRevoked));
    let lifted = LedgerEntry::Lifted { namespace: PROVIDER.into(), name: "r".into(), at: at("2026-11-24T02:00:00Z") };
    index.record(&[lifted], now());
    assert_eq!(ask(&index), Err(Code::UnitRevoked), "signed before it was lifted");
}

#[test]
fn what_was_ended_elsewhere_has_ended_here_whatever_the_objects_say() {
    let scene = Scene::new();
    let mut elsewhere = scene.serving();
    let target = serde_json::json!({"grant": {"serial": "S-1"}});
    let ended = elsewhere.apply(Change::Revocation(revocation("r", &target, None)), now());
    let mut index = scene.serving();
    index.record(&ended.ledger, now());
    assert_eq!(ask(&index), Err(Code::GrantRevoked));
    index.apply(Change::Signers(Signers::default()), now());
    index.apply(Change::Signers(signers()), now());
    assert_eq!(ask(&index), Err(Code::GrantRevoked));
}
