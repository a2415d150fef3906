//! Our signatures against the real `ssh-keygen` and `ssh-agent`: what we sign they verify, what they
//! sign we verify, and what they refuse we refuse.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that fails may panic"
)]

mod agent;
mod kinds;
mod listing;
mod openssh;
mod token;
mod wire;

use std::path::PathBuf;

use datashare::approval::NAMESPACE;
use datashare::approval::signing::{SigningError, SigningKey};
use datashare::approval::sshsig::{Algorithm, SignatureError, verify};
use datashare::redacted::Redacted;
use openssh::OpenSsh;

const MESSAGE: &[u8] = b"{\"type\":\"datashare.dev/approval/v1\"}\n";

const ACCEPTED: [(&str, &str, Algorithm); 6] = [
    ("ed25519", "256", Algorithm::Ed25519),
    ("ecdsa", "256", Algorithm::EcdsaP256),
    ("ecdsa", "384", Algorithm::EcdsaP384),
    ("ecdsa", "521", Algorithm::EcdsaP521),
    ("rsa", "3072", Algorithm::Rsa),
    ("rsa", "4096", Algorithm::Rsa),
];

#[test]
fn both_sides_accept_each_others_signatures_for_every_key_type() {
    let ssh = OpenSsh::new();
    for (kind, bits, algorithm) in ACCEPTED {
        let key = readable_key(&ssh, kind, bits);
        let theirs = OpenSsh::sign(&key, NAMESPACE, "sha512", MESSAGE);
        let signed = verify(&theirs, MESSAGE).unwrap_or_else(|error| panic!("{kind} {bits}: {error}"));
        assert_eq!((signed.algorithm, signed.user_present), (algorithm, false));
        assert_eq!(signed.key.to_string(), OpenSsh::fingerprint(&key));

        let ours = SigningKey::open(&key, None, &mut |_| None).unwrap();
        assert_eq!(ours.id(), signed.key);
        let armoured = ours.sign(MESSAGE).unwrap();
        let allowed = format!("a@x namespaces=\"{NAMESPACE}\" {}", OpenSsh::public(&key));
        assert!(ssh.verifies(&allowed, "a@x", NAMESPACE, &armoured, MESSAGE), "{kind} {bits}");
        assert_eq!(verify(&armoured, MESSAGE), Ok(signed));
    }
}

/// ssh-key 0.6 reads no ECDSA secret that starts with a zero byte, every other one of P-521's; such a
/// key must say so with its mend, and signs through the agent.
fn readable_key(ssh: &OpenSsh, kind: &str, bits: &str) -> PathBuf {
    for _ in 0..64 {
        let key = ssh.key(kind, bits, "");
        match SigningKey::open(&key, None, &mut |_| None) {
            Ok(_) => return key,
            Err(error) => {
                assert!(kind == "ecdsa" && matches!(error, SigningError::Undecodable(_)), "{error}");
                assert!(error.to_string().contains("ssh-add"));
                std::fs::remove_file(&key).unwrap();
            }
        }
    }
    panic!("64 keys in a row could not be read");
}

#[test]
fn a_changed_message_never_verifies() {
    let ssh = OpenSsh::new();
    for (kind, bits, _) in ACCEPTED {
        let theirs = OpenSsh::sign(&ssh.key(kind, bits, ""), NAMESPACE, "sha512", MESSAGE);
        assert_eq!(verify(&theirs, b"{}\n"), Err(SignatureError::Mismatch), "{kind} {bits}");
    }
}

#[test]
fn another_namespace_or_hash_is_refused_by_name() {
    let ssh = OpenSsh::new();
    let key = ssh.key("ed25519", "256", "");
    let for_git = OpenSsh::sign(&key, "git", "sha512", MESSAGE);
    assert_eq!(verify(&for_git, MESSAGE), Err(SignatureError::WrongNamespace("git".into())));
    let sha256 = OpenSsh::sign(&key, NAMESPACE, "sha256", MESSAGE);
    assert_eq!(verify(&sha256, MESSAGE), Err(SignatureError::WrongHash("sha256".into())));
}

#[test]
fn small_rsa_keys_neither_verify_nor_sign() {
    let ssh = OpenSsh::new();
    let key = ssh.key("rsa", "2048", "");
    let theirs = OpenSsh::sign(&key, NAMESPACE, "sha512", MESSAGE);
    assert_eq!(verify(&theirs, MESSAGE), Err(SignatureError::RsaSize(2048)));
    let refused = SigningKey::open(&key, None, &mut |_| None).unwrap_err();
    assert!(matches!(refused, SigningError::Unacceptable(SignatureError::RsaSize(2048))), "{refused}");
}

#[test]
fn damaged_armour_is_refused_wherever_it_is_cut() {
    let ssh = OpenSsh::new();
    let good = OpenSsh::sign(&ssh.key("ed25519", "256", ""), NAMESPACE, "sha512", MESSAGE);
    for cut in 0..good.len() - 1 {
        assert!(verify(&good[..cut], MESSAGE).is_err(), "cut at {cut}");
    }
    for (from, to) in
        [("BEGIN SSH", "BEGIN PGP"), ("\n-----END", "\nAAAA\n-----END"), ("U1NI", "U1NJ"), ("U1NI", "?1NI")]
    {
        assert!(verify(&good.replacen(from, to, 1), MESSAGE).is_err(), "{from} -> {to}");
    }
}

#[test]
fn a_locked_key_asks_once_and_says_when_the_answer_is_wrong() {
    let ssh = OpenSsh::new();
    let key = ssh.key("ed25519", "256", "correct horse");
    let mut asked = 0;
    let opened = SigningKey::open(&key, None, &mut |_| {
        asked += 1;
        Some(Redacted::new("correct horse".into()))
    });
    assert!(verify(&opened.unwrap().sign(MESSAGE).unwrap(), MESSAGE).is_ok());
    assert_eq!(asked, 1);
    let wrong = SigningKey::open(&key, None, &mut |_| Some(Redacted::new("battery".into()))).unwrap_err();
    assert!(matches!(wrong, SigningError::WrongPassphrase(_)), "{wrong}");
    let none = SigningKey::open(&key, None, &mut |_| None).unwrap_err();
    assert!(matches!(none, SigningError::Locked(_)), "{none}");
}

#[test]
fn what_is_no_key_is_named() {
    let ssh = OpenSsh::new();
    let file = ssh.write("notes.txt", "hello");
    let error = SigningKey::open(&file, None, &mut |_| None).unwrap_err();
    assert!(matches!(error, SigningError::NotAKey(_)), "{error}");
    let old = ssh.write("old.pem", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n");
    assert!(matches!(SigningKey::open(&old, None, &mut |_| None).unwrap_err(), SigningError::OldFormat(_)));
    let gone = SigningKey::open(&ssh.path("absent"), None, &mut |_| None).unwrap_err();
    assert!(matches!(gone, SigningError::Unreadable { .. }), "{gone}");
}
