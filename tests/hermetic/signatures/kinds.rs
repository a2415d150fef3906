//! What is special to one kind of key: certificates, DSA and SHA-1 never count; what stands behind a
//! member makes any signature void; RSA counts with either SHA-2 and without its leading zeros.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datashare::approval::NAMESPACE;
use datashare::approval::signers::Signers;
use datashare::approval::sshsig::{Algorithm, SignatureError, armour, signed_data, verify};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair};

use super::openssh::OpenSsh;
use super::wire::{join, parts, public, replaced, split};
use super::{ACCEPTED, MESSAGE};

fn theirs(ssh: &OpenSsh, armoured: &str) -> bool {
    ssh.verifies(&format!("a@x {}", public(&parts(armoured).0)), "a@x", NAMESPACE, armoured, MESSAGE)
}

fn keygen(arguments: &[&str], file: &Path) {
    let output = Command::new("ssh-keygen").args(arguments).arg(file).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn nothing_may_stand_behind_any_member_of_any_kind() {
    let ssh = OpenSsh::new();
    for (kind, bits, _) in ACCEPTED {
        let good = OpenSsh::sign(&ssh.key(kind, bits, ""), NAMESPACE, "sha512", MESSAGE);
        assert!(theirs(&ssh, &good) && verify(&good, MESSAGE).is_ok());
        let cases = [
            ("the key", replaced(&good, |key, _| key.push(0))),
            ("the signature", replaced(&good, |_, signature| signature.push(0))),
            (
                "the value",
                replaced(&good, |_, signature| {
                    let mut members = split(signature);
                    members[1].push(0);
                    *signature = join(&members);
                }),
            ),
        ];
        for (what, armoured) in cases {
            assert!(!theirs(&ssh, &armoured), "{kind} {bits}, behind {what}: ssh-keygen");
            let error = verify(&armoured, MESSAGE).expect_err(what);
            assert!(matches!(error, SignatureError::Malformed | SignatureError::Mismatch), "{kind} {bits}: {error}");
        }
    }
}

#[test]
fn a_certificate_never_counts_even_where_ssh_keygen_takes_its_authority() {
    let ssh = OpenSsh::new();
    let (authority, key) = (ssh.key("ed25519", "256", ""), ssh.key("ecdsa", "256", ""));
    let public_half = key.with_extension("pub");
    keygen(&["-q", "-s", authority.to_str().unwrap(), "-I", "id", "-n", "a@x"], &public_half);
    let certificate = PathBuf::from(format!("{}-cert.pub", key.display()));
    let line = std::fs::read_to_string(&certificate).unwrap();
    let mut words = line.split(' ');
    let (name, blob) = (words.next().unwrap(), STANDARD.decode(words.next().unwrap()).unwrap());
    assert_eq!(name, "ecdsa-sha2-nistp256-cert-v01@openssh.com");

    let plain = OpenSsh::sign(&key, NAMESPACE, "sha512", MESSAGE);
    let certified = armour(&blob, &parts(&plain).1);
    let listed = format!("a@x cert-authority {}", OpenSsh::public(&authority));
    assert!(ssh.verifies(&listed, "a@x", NAMESPACE, &certified, MESSAGE), "the certificate is good");
    assert_eq!(verify(&certified, MESSAGE), Err(SignatureError::Algorithm(name.into())));
    for void in [listed, format!("a@x {line}")] {
        let (signers, issues) = Signers::parse(&void);
        assert_eq!((signers, issues.len()), (Signers::default(), 1), "{void}");
    }
}

/// Made by an OpenSSH that still had DSA; newer ones cannot.
#[test]
fn dsa_and_keys_of_other_kinds_are_refused_by_name() {
    let dsa = include_str!("dsa.sig");
    let Err(SignatureError::Algorithm(name)) = verify(dsa, MESSAGE) else { panic!("DSA counts") };
    assert_eq!(name, "ssh-dss");
    let (signers, issues) = Signers::parse(&format!("a@x {}", public(&parts(dsa).0)));
    assert_eq!((signers, issues.len()), (Signers::default(), 1));
    for name in ["sk-ecdsa-sha2-nistp256@openssh.com", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com", "ssh-ed448"] {
        let unknown = replaced(dsa, |key, _| *key = join(&[name.as_bytes(), b"", b""]));
        assert_eq!(verify(&unknown, MESSAGE), Err(SignatureError::Algorithm(name.into())));
    }
}

/// The secret half as ring reads it, and the public one on the wire.
fn rsa(ssh: &OpenSsh, bits: &str) -> (RsaKeyPair, Vec<u8>) {
    let key = ssh.key("rsa", bits, "");
    let blob = STANDARD.decode(OpenSsh::public(&key).split(' ').nth(1).unwrap()).unwrap();
    keygen(&["-q", "-p", "-m", "PKCS8", "-P", "", "-N", "", "-f"], &key);
    let pem = std::fs::read_to_string(&key).unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    (RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).unwrap()).unwrap(), blob)
}

fn rsa_value(key: &RsaKeyPair, scheme: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
    let mut value = vec![0; key.public().modulus_len()];
    key.sign(scheme, &SystemRandom::new(), &signed_data(message), &mut value).unwrap();
    value
}

#[test]
fn rsa_counts_with_either_sha_2_and_never_with_sha_1() {
    let ssh = OpenSsh::new();
    for bits in ["3072", "4096"] {
        let (key, blob) = rsa(&ssh, bits);
        let (short, long) = (rsa_value(&key, &RSA_PKCS1_SHA256, MESSAGE), rsa_value(&key, &RSA_PKCS1_SHA512, MESSAGE));
        for (name, value, counts) in [
            ("rsa-sha2-256", &short, true),
            ("rsa-sha2-512", &long, true),
            ("rsa-sha2-512", &short, false),
            ("rsa-sha2-256", &long, false),
            ("ssh-rsa", &short, false),
            ("ssh-ed25519", &long, false),
        ] {
            let armoured = armour(&blob, &join(&[name.as_bytes(), value]));
            assert_eq!(theirs(&ssh, &armoured), counts, "{name} {bits}: ssh-keygen");
            let ours = verify(&armoured, MESSAGE);
            assert_eq!(ours.as_ref().is_ok_and(|signed| signed.algorithm == Algorithm::Rsa), counts, "{name} {bits}");
        }
    }
}

#[test]
fn an_rsa_signature_without_its_leading_zeros_counts_as_it_does_for_ssh_keygen() {
    let ssh = OpenSsh::new();
    let (key, blob) = rsa(&ssh, "3072");
    // every 256th signature begins with a zero
    let found = (0..20_000_u32).map(|n| n.to_string().into_bytes()).find_map(|message| {
        let value = rsa_value(&key, &RSA_PKCS1_SHA512, &message);
        (value[0] == 0).then_some((message, value))
    });
    let (message, value) = found.unwrap();
    let listed = format!("a@x {}", public(&blob));
    for (value, counts) in [(&value[..], true), (&value[1..], true), (&value[2..], false)] {
        let armoured = armour(&blob, &join(&[b"rsa-sha2-512".as_slice(), value]));
        assert_eq!(ssh.verifies(&listed, "a@x", NAMESPACE, &armoured, &message), counts);
        assert_eq!(verify(&armoured, &message).is_ok(), counts);
    }
}
