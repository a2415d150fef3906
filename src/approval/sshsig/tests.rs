//! Signatures that are accepted, and those that are not.

use proptest::prelude::*;

use super::*;

/// Made by a software key that answers as a FIDO token does; `flags` is what the token reports.
fn security_key_signature(message: &[u8], flags: u8) -> String {
    use ed25519_dalek::Signer as _;
    let secret = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
    let mut key = Vec::new();
    for member in [b"sk-ssh-ed25519@openssh.com".as_slice(), secret.verifying_key().as_bytes(), b"ssh:"] {
        wire::put_string(&mut key, member);
    }
    let trailer = [flags, 0, 0, 0, 7];
    let mut signed = Sha256::digest(b"ssh:").to_vec();
    signed.extend_from_slice(&trailer);
    signed.extend_from_slice(&Sha256::digest(signed_data(message)));
    let mut signature = Vec::new();
    wire::put_string(&mut signature, b"sk-ssh-ed25519@openssh.com");
    wire::put_string(&mut signature, &secret.sign(&signed).to_bytes());
    signature.extend_from_slice(&trailer);
    armour(&key, &signature)
}

fn ed25519_parts(message: &[u8]) -> (Vec<u8>, Vec<u8>) {
    use ed25519_dalek::Signer as _;
    let secret = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let (mut key, mut signature) = (Vec::new(), Vec::new());
    wire::put_string(&mut key, b"ssh-ed25519");
    wire::put_string(&mut key, secret.verifying_key().as_bytes());
    wire::put_string(&mut signature, b"ssh-ed25519");
    wire::put_string(&mut signature, &secret.sign(&signed_data(message)).to_bytes());
    (key, signature)
}

fn ed25519_signature(message: &[u8]) -> String {
    let (key, signature) = ed25519_parts(message);
    armour(&key, &signature)
}

#[test]
fn a_touched_security_key_counts_and_an_untouched_one_does_not() {
    let touched = verify(&security_key_signature(b"m", 0x01), b"m").unwrap();
    assert_eq!((touched.algorithm, touched.user_present), (Algorithm::SkEd25519, true));
    assert!(verify(&security_key_signature(b"m", 0x05), b"m").is_ok());
    assert_eq!(verify(&security_key_signature(b"m", 0x00), b"m"), Err(SignatureError::UserAbsent));
    assert_eq!(verify(&security_key_signature(b"m", 0x01), b"n"), Err(SignatureError::Mismatch));
}

#[test]
fn nothing_may_stand_behind_a_member_or_around_the_armour() {
    let (key, signature) = ed25519_parts(b"m");
    assert!(verify(&armour(&key, &signature), b"m").is_ok());
    for (key, signature) in
        [([key.clone(), vec![0]].concat(), signature.clone()), (key.clone(), [signature.clone(), vec![0]].concat())]
    {
        assert_eq!(verify(&armour(&key, &signature), b"m"), Err(SignatureError::Malformed));
    }
    let good = ed25519_signature(b"m");
    assert!(verify(&good.replace('\n', "\r\n"), b"m").is_ok());
    assert!(verify(&format!("\n{good}\n\n"), b"m").is_ok());
    for bad in [format!("{good}x"), format!("x{good}"), good.replace(END, ""), format!("{good}{good}"), String::new()] {
        assert!(matches!(verify(&bad, b"m"), Err(SignatureError::NoArmour | SignatureError::Base64)), "{bad}");
    }
    assert_eq!(verify(&" ".repeat(MAX_ARMOUR + 1), b"m"), Err(SignatureError::TooLong));
}

#[test]
fn a_key_of_small_order_signs_nothing() {
    let mut key = Vec::new();
    wire::put_string(&mut key, b"ssh-ed25519");
    let mut identity = [0; 32];
    identity[0] = 1;
    wire::put_string(&mut key, &identity);
    let mut signature = Vec::new();
    wire::put_string(&mut signature, b"ssh-ed25519");
    wire::put_string(&mut signature, &[identity, [0; 32]].concat());
    assert_eq!(verify(&armour(&key, &signature), b"anything"), Err(SignatureError::Mismatch));
}

#[test]
fn key_and_signature_must_name_the_same_algorithm() {
    let (key, signature) = ed25519_parts(b"m");
    let mut other = Vec::new();
    wire::put_string(&mut other, b"ecdsa-sha2-nistp256");
    other.extend_from_slice(&signature[15..]);
    assert_eq!(verify(&armour(&key, &other), b"m"), Err(SignatureError::Malformed));
    let mut unknown = Vec::new();
    wire::put_string(&mut unknown, b"ssh-dss\x1b[31m");
    let error = verify(&armour(&unknown, &signature), b"m").unwrap_err();
    assert_eq!(error, SignatureError::Algorithm("ssh-dss[31m".into()), "controls must not reach a terminal");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*") {
        let _ = verify(&text, b"m");
        let _ = claimed_key(&format!("{BEGIN}\n{text}\n{END}"));
    }

    #[test]
    fn no_bytes_in_armour_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let tail = STANDARD.encode([MAGIC, &1_u32.to_be_bytes(), &bytes].concat());
        let text = format!("{BEGIN}\n{tail}\n{END}");
        prop_assert!(verify(&text, b"m").is_err());
    }

    #[test]
    fn one_changed_bit_is_noticed(at in 0usize..182, bit in 0u8..8) {
        let good = ed25519_signature(b"m");
        let mut binary = dearmour(&good).unwrap();
        let at = at % binary.len();
        binary[at] ^= 1 << bit;
        let text = format!("{BEGIN}\n{}\n{END}", STANDARD.encode(binary));
        prop_assert!(verify(&text, b"m").is_err());
    }

    #[test]
    fn what_is_signed_verifies_under_the_same_key(message in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = ed25519_signature(&message);
        let signed = verify(&text, &message).unwrap();
        prop_assert_eq!(signed.key, claimed_key(&text).unwrap());
        prop_assert_eq!(signed.algorithm, Algorithm::Ed25519);
    }
}
