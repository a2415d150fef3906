//! The accepted key types, each with the rules that keep it strong: Ed25519 without small-order tricks,
//! security keys only with a touch, ECDSA on the three NIST curves, RSA from 3072 bits with SHA-2.

use std::cell::Cell;
use std::fmt;

use ed25519_dalek::{Signature as EdSignature, Verifier as _, VerifyingKey};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents};
use sha2::{Digest as _, Sha256};
use ssh_key::public::KeyData;
use ssh_key::{PublicKey, Signature};

use super::wire::Wire;
use super::{SignatureError, printable};

const RSA_BITS: std::ops::RangeInclusive<usize> = 3072..=8192;
/// FIDO: a person touched the key for this very signature.
const USER_PRESENT: u8 = 0x01;

/// What kind of key signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    Ed25519,
    SkEd25519,
    EcdsaP256,
    EcdsaP384,
    EcdsaP521,
    Rsa,
}

impl Algorithm {
    /// The name that a public key file starts with.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::SkEd25519 => "sk-ssh-ed25519@openssh.com",
            Self::EcdsaP256 => "ecdsa-sha2-nistp256",
            Self::EcdsaP384 => "ecdsa-sha2-nistp384",
            Self::EcdsaP521 => "ecdsa-sha2-nistp521",
            Self::Rsa => "ssh-rsa",
        }
    }

    fn from_name(name: &[u8]) -> Result<Self, SignatureError> {
        [Self::Ed25519, Self::SkEd25519, Self::EcdsaP256, Self::EcdsaP384, Self::EcdsaP521, Self::Rsa]
            .into_iter()
            .find(|algorithm| algorithm.name().as_bytes() == name)
            .ok_or_else(|| SignatureError::Algorithm(printable(name)))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A public key, read to its last byte.
#[derive(Debug)]
enum Key<'a> {
    Ed25519(&'a [u8]),
    SkEd25519 { point: &'a [u8], application: &'a [u8] },
    Ecdsa(Box<KeyData>),
    Rsa { e: &'a [u8], n: &'a [u8] },
}

/// Whether a key of this form can ever sign an approval, and of which kind it is.
pub(in crate::approval) fn acceptable(blob: &[u8]) -> Result<Algorithm, SignatureError> {
    read_key(blob).map(|(algorithm, _)| algorithm)
}

fn read_key(blob: &[u8]) -> Result<(Algorithm, Key<'_>), SignatureError> {
    let mut wire = Wire::new(blob);
    let algorithm = Algorithm::from_name(wire.string()?)?;
    let key = match algorithm {
        Algorithm::Ed25519 => Key::Ed25519(wire.string()?),
        Algorithm::SkEd25519 => Key::SkEd25519 { point: wire.string()?, application: wire.string()? },
        Algorithm::EcdsaP256 | Algorithm::EcdsaP384 | Algorithm::EcdsaP521 => {
            let key = PublicKey::from_bytes(blob).map_err(|_| SignatureError::Malformed)?;
            return Ok((algorithm, Key::Ecdsa(Box::new(key.key_data().clone()))));
        }
        Algorithm::Rsa => {
            let (e, n) = (wire.positive()?, wire.positive()?);
            let bits = n.len().saturating_mul(8) - n.first().map_or(0, |first| first.leading_zeros() as usize);
            if !RSA_BITS.contains(&bits) {
                return Err(SignatureError::RsaSize(bits));
            }
            Key::Rsa { e, n }
        }
    };
    wire.end()?;
    Ok((algorithm, key))
}

/// Checks `signature` by the key in `blob` over `data`; says the key's kind and whether it saw a touch.
pub(super) fn verify(blob: &[u8], signature: &[u8], data: &[u8]) -> Result<(Algorithm, bool), SignatureError> {
    let (algorithm, key) = read_key(blob)?;
    let mut wire = Wire::new(signature);
    let name = wire.string()?;
    let value = wire.string()?;
    if !matches!(key, Key::Rsa { .. }) && name != algorithm.name().as_bytes() {
        return Err(SignatureError::Malformed);
    }
    let user_present = match key {
        Key::Ed25519(point) => {
            wire.end()?;
            ed25519(point, value, data)?;
            false
        }
        Key::SkEd25519 { point, application } => {
            let trailer = wire.take(5)?;
            wire.end()?;
            security_key(point, application, trailer, value, data)?;
            true
        }
        Key::Ecdsa(key) => {
            wire.end()?;
            ecdsa(&key, value, data)?;
            false
        }
        Key::Rsa { e, n } => {
            wire.end()?;
            rsa(e, n, name, value, data)?;
            false
        }
    };
    Ok((algorithm, user_present))
}

fn ed25519(point: &[u8], signature: &[u8], data: &[u8]) -> Result<(), SignatureError> {
    let point = point.try_into().map_err(|_| SignatureError::Malformed)?;
    let signature = EdSignature::from_slice(signature).map_err(|_| SignatureError::Malformed)?;
    // strict: a point of small order would let one signature fit many messages
    ed25519_key(point).and_then(|key| key.verify_strict(data, &signature).ok()).ok_or(SignatureError::Mismatch)
}

/// The key ready for use. A few people sign everything, so the last one is kept: unpacking costs a tenth of
/// a verification.
fn ed25519_key(point: &[u8; 32]) -> Option<VerifyingKey> {
    thread_local! {
        static LAST: Cell<Option<VerifyingKey>> = const { Cell::new(None) };
    }
    if let Some(last) = LAST.get().filter(|last| last.as_bytes() == point) {
        return Some(last);
    }
    let key = VerifyingKey::from_bytes(point).ok()?;
    LAST.set(Some(key));
    Some(key)
}

/// A security key signs hashes, its flags and its counter (`PROTOCOL.u2f`); the trailer is the latter two.
fn security_key(
    point: &[u8],
    application: &[u8],
    trailer: &[u8],
    signature: &[u8],
    data: &[u8],
) -> Result<(), SignatureError> {
    let mut signed = Sha256::digest(application).to_vec();
    signed.extend_from_slice(trailer);
    signed.extend_from_slice(&Sha256::digest(data));
    ed25519(point, signature, &signed)?;
    match trailer.first() {
        Some(flags) if flags & USER_PRESENT != 0 => Ok(()),
        _ => Err(SignatureError::UserAbsent),
    }
}

fn ecdsa(key: &KeyData, value: &[u8], data: &[u8]) -> Result<(), SignatureError> {
    let signature = Signature::new(key.algorithm(), value).map_err(|_| SignatureError::Malformed)?;
    key.verify(data, &signature).map_err(|_| SignatureError::Mismatch)
}

fn rsa(e: &[u8], n: &[u8], name: &[u8], value: &[u8], data: &[u8]) -> Result<(), SignatureError> {
    let scheme = match name {
        b"rsa-sha2-512" => &RSA_PKCS1_2048_8192_SHA512,
        b"rsa-sha2-256" => &RSA_PKCS1_2048_8192_SHA256,
        b"ssh-rsa" => return Err(SignatureError::Algorithm("ssh-rsa with SHA-1".into())),
        _ => return Err(SignatureError::Malformed),
    };
    // agents of other makers leave out leading zero bytes, and OpenSSH takes such signatures
    let missing = n.len().checked_sub(value.len()).ok_or(SignatureError::Malformed)?;
    let mut padded = vec![0; missing];
    padded.extend_from_slice(value);
    RsaPublicKeyComponents { n, e }.verify(scheme, data, &padded).map_err(|_| SignatureError::Mismatch)
}
