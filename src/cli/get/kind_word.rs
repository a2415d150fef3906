//! A word for a kind on the command line: whatever kubectl takes, in any case. Shells complete the
//! plurals, and a misspelt word is answered with the nearest of them.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;

use crate::api::v1alpha1::Kind;

#[derive(Clone, Copy, Debug)]
pub(super) struct KindWord;

fn plurals() -> impl Iterator<Item = PossibleValue> {
    Kind::ALL.into_iter().map(|kind| {
        let (plural, short) = kind.aliases();
        PossibleValue::new(plural).alias(short)
    })
}

impl TypedValueParser for KindWord {
    type Value = Kind;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        if let Some(kind) = value.to_str().and_then(Kind::from_word) {
            return Ok(kind);
        }
        // no plural either: this parser finds the words for that
        let word = PossibleValuesParser::new(plurals()).parse_ref(command, arg, value)?;
        Kind::from_word(&word)
            .ok_or_else(|| command.clone().error(ErrorKind::InvalidValue, format!("{word} is no kind")))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(plurals()))
    }
}
