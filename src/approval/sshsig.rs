//! Reading and checking SSH signatures (`PROTOCOL.sshsig`): armour in, the key that signed out. What
//! `ssh-keygen -Y verify` refuses is refused here, and beyond it anything that two readers could take
//! differently: text around the armour, bytes behind a member, another hash than SHA-512, weak keys.

mod algorithms;
mod wire;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256, Sha512};

use super::NAMESPACE;
pub use algorithms::Algorithm;
pub(super) use algorithms::acceptable;
use wire::Wire;

/// The longest armoured signature that is read at all; RSA with 8192 bits needs about 4 KiB.
pub const MAX_ARMOUR: usize = 16 * 1024;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;
const HASH: &str = "sha512";

/// Which key: the SHA-256 of its public half, what `ssh-keygen -lf` prints.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// The identity of a public key in SSH wire form.
    #[must_use]
    pub fn of_blob(blob: &[u8]) -> Self {
        Self(Sha256::digest(blob).into())
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", STANDARD_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a valid signature proves: this key signed, and a person touched the token where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedBy {
    pub key: KeyId,
    pub algorithm: Algorithm,
    /// The security key saw a touch; always false for keys without one.
    pub user_present: bool,
}

/// Why a signature does not count. Each sentence can stand alone in a finding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the signature is longer than {MAX_ARMOUR} bytes; no accepted key makes such a one")]
    TooLong,
    #[error(
        "the signature does not start with `{BEGIN}` and end with `{END}`; paste the file that ssh-keygen wrote, whole"
    )]
    NoArmour,
    #[error("the signature's base64 text is damaged; paste the file that ssh-keygen wrote, whole")]
    Base64,
    #[error("the signature is cut short, or something was added to it; sign again")]
    Malformed,
    #[error("the signature was made for `{0}`; sign with `ssh-keygen -Y sign -n {NAMESPACE}`")]
    WrongNamespace(String),
    #[error("the signature uses the hash {0}; sign with sha512, which is ssh-keygen's default")]
    WrongHash(String),
    #[error("{0} signatures are not accepted; sign with Ed25519, sk-ssh-ed25519, ECDSA, or RSA of at least 3072 bits")]
    Algorithm(String),
    #[error("the RSA key has {0} bits; accepted are 3072 to 8192")]
    RsaSize(usize),
    #[error("the security key signed without a touch; sign again with a key made without `-O no-touch-required`")]
    UserAbsent,
    #[error(
        "the signature does not match: the terms or the statement were changed after signing, or another was signed"
    )]
    Mismatch,
}

/// Who signed `message`, if the armoured signature says so and every rule of this file holds.
pub fn verify(armoured: &str, message: &[u8]) -> Result<SignedBy, SignatureError> {
    let binary = dearmour(armoured)?;
    let mut wire = Wire::new(&binary);
    wire.expect(MAGIC)?;
    wire.expect(&VERSION.to_be_bytes())?;
    let key = wire.string()?;
    let namespace = wire.string()?;
    let reserved = wire.string()?;
    let hash = wire.string()?;
    let signature = wire.string()?;
    wire.end()?;
    if namespace != NAMESPACE.as_bytes() {
        return Err(SignatureError::WrongNamespace(printable(namespace)));
    }
    if hash != HASH.as_bytes() {
        return Err(SignatureError::WrongHash(printable(hash)));
    }
    if !reserved.is_empty() {
        return Err(SignatureError::Malformed);
    }
    let (algorithm, user_present) = algorithms::verify(key, signature, &signed_data(message))?;
    Ok(SignedBy { key: KeyId::of_blob(key), algorithm, user_present })
}

/// The key that a signature claims, without any check of the claim; for messages only.
pub fn claimed_key(armoured: &str) -> Result<KeyId, SignatureError> {
    let binary = dearmour(armoured)?;
    let mut wire = Wire::new(&binary);
    wire.expect(MAGIC)?;
    wire.expect(&VERSION.to_be_bytes())?;
    wire.string().map(KeyId::of_blob)
}

/// The bytes that a key signs for `message` (`PROTOCOL.sshsig`, section 2).
#[must_use]
pub fn signed_data(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(MAGIC);
    for member in [NAMESPACE.as_bytes(), b"", HASH.as_bytes(), Sha512::digest(message).as_slice()] {
        wire::put_string(&mut out, member);
    }
    out
}

/// Armour around what a key answered for [`signed_data`]; both blobs in SSH wire form.
#[must_use]
pub fn armour(public_key: &[u8], signature: &[u8]) -> String {
    let mut binary = MAGIC.to_vec();
    binary.extend_from_slice(&VERSION.to_be_bytes());
    for member in [public_key, NAMESPACE.as_bytes(), b"", HASH.as_bytes(), signature] {
        wire::put_string(&mut binary, member);
    }
    let text = STANDARD.encode(binary);
    let mut out = format!("{BEGIN}\n");
    // base64 is ASCII, so every 70 bytes are 70 characters, ssh-keygen's width
    for line in text.as_bytes().chunks(70) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out.push_str(END);
    out.push('\n');
    out
}

fn dearmour(text: &str) -> Result<Vec<u8>, SignatureError> {
    if text.len() > MAX_ARMOUR {
        return Err(SignatureError::TooLong);
    }
    let body = text
        .trim_ascii()
        .strip_prefix(BEGIN)
        .and_then(|rest| rest.strip_suffix(END))
        .filter(|body| body.starts_with(['\n', '\r']) && body.ends_with('\n'))
        .ok_or(SignatureError::NoArmour)?;
    let mut packed = Vec::with_capacity(body.len());
    packed.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    STANDARD.decode(packed).map_err(|_| SignatureError::Base64)
}

/// What a stranger wrote, short and safe to show.
fn printable(bytes: &[u8]) -> String {
    let mut text: String = String::from_utf8_lossy(bytes).chars().take(64).collect();
    text.retain(|c| !c.is_control());
    text
}

#[cfg(test)]
mod tests;
