//! What several targets need: fixed worlds, and a reading of YAML that shares nothing with ours.

use datashare::source::typed::{Loaded, Origin, load};
use datashare::source::yaml;

/// Our YAML reader catches a panic of the crate below it and calls the document bad, which is right;
/// the fuzzer would end the process before that. A panic that nobody catches is a finding all the same.
pub fn let_caught_panics_pass() {
    std::panic::set_hook(Box::new(|info| eprintln!("{info}")));
}

/// Every object of a text.
#[must_use]
pub fn objects(text: &str) -> Vec<Loaded> {
    let origin = Origin { file: "fuzz.yaml", text };
    yaml::parse(text).into_iter().flatten().map(|document| load(document, origin)).collect()
}
