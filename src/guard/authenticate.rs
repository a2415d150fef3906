//! From a token to its hash: tokens are never compared, kept or printed, only looked up by SHA-256.

use sha2::{Digest, Sha256};

use crate::judge::index::TokenHash;

/// What the index knows a token by.
#[must_use]
pub fn hash(token: &[u8]) -> TokenHash {
    Sha256::digest(token).into()
}
