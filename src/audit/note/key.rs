//! Keys of notes, one line each: what verifies may be shown to everybody, what signs is never printed.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _};
use sha2::{Digest, Sha256};

use crate::audit::encode;
use crate::random::{self, RandomError};
use crate::redacted::Redacted;

/// The kind of key, before its bytes.
const ED25519: u8 = 1;
const PRIVATE: &str = "PRIVATE+KEY+";

/// Verifies notes: `<name>+<number, 8 hex digits>+<base64 of kind and key>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    id: [u8; 4],
    key: ed25519_dalek::VerifyingKey,
}

/// Signs notes.
#[derive(Clone, Debug)]
pub struct SigningKey {
    public: VerifyingKey,
    secret: Redacted<ed25519_dalek::SigningKey>,
}

/// Why a line is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("not of the form NAME+NUMBER+KEY")]
    Form,
    #[error("not an Ed25519 key")]
    Kind,
    #[error("its number is not the one of its name and key")]
    Number,
}

/// Whether a text can name a key.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|letter| letter.is_whitespace() || letter.is_control() || letter == '+')
}

impl VerifyingKey {
    fn new(name: &str, key: ed25519_dalek::VerifyingKey) -> Self {
        let mut hasher = Sha256::new_with_prefix(name);
        hasher.update([b'\n', ED25519]);
        hasher.update(key.as_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        let [a, b, c, d, ..] = digest;
        Self { name: name.to_owned(), id: [a, b, c, d], key }
    }

    /// Whose key it is: for a stream, its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number among keys of that name.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// Whether it made this signature of the text.
    #[must_use]
    pub fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify_strict(text, &signature).is_ok())
    }
}

impl FromStr for VerifyingKey {
    type Err = KeyError;

    fn from_str(line: &str) -> Result<Self, KeyError> {
        let (name, number, key) = parts(line)?;
        let read = Self::new(name, ed25519_dalek::VerifyingKey::from_bytes(&key).map_err(|_| KeyError::Kind)?);
        if read.number() == number { Ok(read) } else { Err(KeyError::Number) }
    }
}

impl VerifyingKey {
    fn number(&self) -> String {
        let mut digits = Vec::new();
        encode::hex(&mut digits, &self.id);
        String::from_utf8(digits).unwrap_or_default()
    }
}

/// Name, number and key of a line.
fn parts(line: &str) -> Result<(&str, &str, [u8; 32]), KeyError> {
    let mut parts = line.splitn(3, '+');
    let (Some(name), Some(number), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(KeyError::Form);
    };
    if !is_name(name) {
        return Err(KeyError::Form);
    }
    let bytes = STANDARD.decode(key).map_err(|_| KeyError::Form)?;
    match bytes.split_first() {
        Some((&ED25519, key)) => Ok((name, number, key.try_into().map_err(|_| KeyError::Kind)?)),
        _ => Err(KeyError::Kind),
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[ED25519], &self.key.as_bytes()[..]].concat());
        write!(f, "{}+{}+{key}", self.name, self.number())
    }
}

impl SigningKey {
    /// A new key for whoever is called `name`.
    pub fn generate(name: &str) -> Result<Self, RandomError> {
        Ok(Self::new(name, &ed25519_dalek::SigningKey::from_bytes(&random::bytes::<32>()?)))
    }

    fn new(name: &str, secret: &ed25519_dalek::SigningKey) -> Self {
        Self { public: VerifyingKey::new(name, secret.verifying_key()), secret: Redacted::new(secret.clone()) }
    }

    /// Reads what [`SigningKey::line`] wrote.
    pub fn parse(line: &str) -> Result<Self, KeyError> {
        let (name, number, seed) = parts(line.strip_prefix(PRIVATE).ok_or(KeyError::Form)?)?;
        let read = Self::new(name, &ed25519_dalek::SigningKey::from_bytes(&seed));
        if read.public.number() == number { Ok(read) } else { Err(KeyError::Number) }
    }

    /// The key as one line, to be kept where only its owner reads.
    #[must_use]
    pub fn line(&self) -> Redacted<String> {
        let seed = STANDARD.encode([&[ED25519], &self.secret.expose().to_bytes()[..]].concat());
        Redacted::new(format!("{PRIVATE}{}+{}+{seed}", self.public.name, self.public.number()))
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> &VerifyingKey {
        &self.public
    }

    /// Signs a text.
    #[must_use]
    pub fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.secret.expose().sign(text).to_bytes()
    }
}
