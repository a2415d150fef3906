//! No byte that was not granted ever leaves: a great many hostile documents with a canary in every ungranted place.
//!
//! The generator writes each document together with what its projection must be, so that an answer that passes is
//! compared to the byte, and an answer with one planted fault must be refused with nothing written.
//! `CANARY_SEED` chooses other documents, `CANARY_DOCUMENTS` how many.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "this is a test")]

mod documents;
mod plan;

use datashare::fields::{FieldPath, Projection, Scratch};

use documents::{Document, Expected};
use plan::Plan;

const CANARY: &str = "CANARY";
const CANARY_NUMBER: &str = "9137702731";
const BEFORE: &[u8] = b"kept as it was";

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

fn is_clean(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    !text.contains(CANARY) && !text.contains(CANARY_NUMBER)
}

#[test]
fn no_canary_leaves() {
    let plans: Vec<(Plan, Projection)> = plan::all()
        .into_iter()
        .map(|plan| {
            let fields = plan.paths().into_iter().map(|(path, leaf)| (path.parse::<FieldPath>().unwrap(), leaf));
            let projection = Projection::new(fields).unwrap();
            (plan, projection)
        })
        .collect();
    let first = setting("CANARY_SEED", 20_261_124);
    let mut scratch = Scratch::default();
    let (mut passed, mut refused, mut bearing) = (0, 0, 0);
    for seed in first..first + setting("CANARY_DOCUMENTS", 100_000) {
        let (plan, projection) = &plans[usize::try_from(seed).unwrap() % plans.len()];
        let Document { body, expected } = documents::generate(seed, plan);
        let context = || format!("CANARY_SEED={seed} {plan:?} {}", String::from_utf8_lossy(&body));
        bearing += u64::from(!is_clean(&body));
        let mut out = BEFORE.to_vec();
        let result = projection.project_with(&mut scratch, &body, &mut out);
        let written = out.strip_prefix(BEFORE).unwrap();
        assert!(is_clean(written), "{}", context());
        match (result, expected) {
            (Ok(projected), Expected::Exactly { text, items }) => {
                assert_eq!(String::from_utf8_lossy(written), text, "{}", context());
                assert_eq!(projected.items, items, "{}", context());
                passed += 1;
            }
            (Err(error), Expected::Refusal | Expected::Either) => {
                let said = format!("{error} {error:?}");
                assert!(is_clean(said.as_bytes()), "{said}: {}", context());
                assert!(error.at() <= body.len(), "{said}: {}", context());
                assert_eq!(written, b"", "{said}: {}", context());
                refused += 1;
            }
            (Ok(_), Expected::Either) => {
                serde_json::from_slice::<serde::de::IgnoredAny>(written).unwrap();
                passed += 1;
            }
            (result, expected) => panic!("{result:?}, not {expected:?}: {}", context()),
        }
    }
    assert!(passed > refused / 4 && refused > passed / 4, "{passed} passed, {refused} refused: both sides are tried");
    // a name or text that is escaped whole bears one too, but cannot be told by looking
    assert!(2 * bearing > passed + refused, "{bearing} of {} documents bear a canary", passed + refused);
}
