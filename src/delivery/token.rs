//! A token: 256 bits that nobody can guess, behind a mark that scanners of repositories can know. Guards, statuses
//! and the record know it by its identity and its hash only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::judge::index::TokenHash;
use crate::random::{self, RandomError};
use crate::redacted::Redacted;

/// What every token begins with.
pub const PREFIX: &str = "dst_";

/// A token that was just drawn.
#[derive(Debug)]
pub struct Token {
    id: String,
    secret: Redacted<String>,
}

impl Token {
    /// Draws a new one.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn draw() -> Result<Self, RandomError> {
        let secret = random::bytes::<32>()?;
        let id = random::bytes::<6>()?;
        let id = id.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { id, secret: Redacted::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret))) })
    }

    /// Its identity, as the record names it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The token itself, for its holder.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.secret.expose()
    }
}

/// What a guard knows of a token.
#[must_use]
pub fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

/// The same in the form of `status.credentials`.
#[must_use]
pub fn sha256(token: &str) -> String {
    hash(token).iter().map(|byte| format!("{byte:02x}")).collect()
}
