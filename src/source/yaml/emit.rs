//! Objects to YAML as a person would write it: block style, members in the order given, several
//! lines as a literal block, Chinese as it is, quotes only where another reading is possible.

use serde::Serialize;
use serde_json::Value;

use super::parse;

/// The value cannot be written so that it reads back the same.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    #[error("cannot be written as YAML: {0}")]
    Write(#[from] serde_yaml::Error),
    #[error("cannot be written as YAML: {0}")]
    Json(#[from] serde_json::Error),
    #[error("written as YAML it would not read back the same; remove invisible characters from its texts")]
    Differs,
}

/// Any serialisable object as one YAML document that [`parse`] reads back as the same JSON.
///
/// # Errors
/// When it would not read back the same.
pub fn emit<T: Serialize + ?Sized>(object: &T) -> Result<String, EmitError> {
    let text = serde_yaml::to_string(object)?;
    let meant: Value = serde_json::to_value(object)?;
    match parse(&text).as_slice() {
        [Ok(document)] if document.value == meant => Ok(text),
        _ => Err(EmitError::Differs),
    }
}
