//! Paths of the catalogue: what is read is written so that it reads back the same, and a path that the
//! kind's own rules accept can be granted unless it is too long or too deep.
#![no_main]

use datashare::api::v1alpha1::validate::syntax;
use datashare::fields::{FieldPath, PathError, Step};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match text.parse::<FieldPath>() {
        Ok(path) => {
            assert!(matches!(path.steps().last(), Some(Step::Member(_))));
            let written = path.to_string();
            assert_eq!(written.parse(), Ok(path), "{written}");
        }
        Err(PathError::TooLong | PathError::TooManySteps) => {}
        Err(error) => {
            assert!(!syntax::field_path(text), "{error}");
        }
    }
});
