//! RSA with a key file. ssh-key 0.6 hands its backend the same prime twice, so it cannot; ring can, and
//! hides the key's timing as well.

use num_bigint::BigUint;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, KeyPairComponents, PublicKeyComponents};
use ring::signature::RSA_PKCS1_SHA512;
use ssh_key::private::RsaKeypair;
use ssh_key::{Algorithm, HashAlg, Mpint, Signature};

use super::SigningError;

/// An `rsa-sha2-512` signature over `data`.
pub(super) fn sign(pair: &RsaKeypair, data: &[u8]) -> Result<Signature, SigningError> {
    let (d, p, q) = (number(&pair.private.d)?, number(&pair.private.p)?, number(&pair.private.q)?);
    let one = BigUint::from(1_u8);
    if p <= one || q <= one {
        return Err(SigningError::Rsa("its primes are damaged".into()));
    }
    let components = KeyPairComponents {
        public_key: PublicKeyComponents { n: bytes(&pair.public.n)?, e: bytes(&pair.public.e)? },
        dP: (&d % (&p - &one)).to_bytes_be(),
        dQ: (&d % (&q - &one)).to_bytes_be(),
        qInv: number(&pair.private.iqmp)?.to_bytes_be(),
        d: d.to_bytes_be(),
        p: p.to_bytes_be(),
        q: q.to_bytes_be(),
    };
    let key = KeyPair::from_components(&components).map_err(|error| SigningError::Rsa(error.to_string()))?;
    let mut signature = vec![0; key.public().modulus_len()];
    // the padding of PKCS #1 v1.5 takes no randomness; ring asks for a source all the same
    key.sign(&RSA_PKCS1_SHA512, &SystemRandom::new(), data, &mut signature)
        .map_err(|_| SigningError::Rsa("ring refused to sign".into()))?;
    Ok(Signature::new(Algorithm::Rsa { hash: Some(HashAlg::Sha512) }, signature)?)
}

fn bytes(number: &Mpint) -> Result<&[u8], SigningError> {
    number.as_positive_bytes().ok_or_else(|| SigningError::Rsa("one of its numbers is negative".into()))
}

fn number(number: &Mpint) -> Result<BigUint, SigningError> {
    bytes(number).map(BigUint::from_bytes_be)
}
