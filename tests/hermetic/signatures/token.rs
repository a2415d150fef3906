//! Security keys: a software token that answers as a FIDO one does (`PROTOCOL.u2f`), judged by the real
//! ssh-keygen and by us. We differ in one thing only: without a touch nothing counts here.

use datashare::approval::NAMESPACE;
use datashare::approval::signers::Signers;
use datashare::approval::sshsig::{Algorithm, SignatureError, armour, signed_data, verify};
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};

use super::MESSAGE;
use super::openssh::OpenSsh;
use super::wire::{join, parts, public, replaced, split};

const NAME: &[u8] = b"sk-ssh-ed25519@openssh.com";
const TOUCH: u8 = 0x01;
const PIN: u8 = 0x04;

/// What sits in the plastic: a secret, for one application.
struct Token {
    secret: SigningKey,
    application: &'static str,
}

impl Token {
    fn new(application: &'static str) -> Self {
        Self { secret: SigningKey::from_bytes(&[9; 32]), application }
    }

    fn key(&self) -> Vec<u8> {
        join(&[NAME, self.secret.verifying_key().as_bytes(), self.application.as_bytes()])
    }

    /// The token's own answer for this flags byte and counter.
    fn answer(&self, data: &[u8], flags: u8, counter: u32) -> Vec<u8> {
        let mut signed = Sha256::digest(self.application).to_vec();
        signed.push(flags);
        signed.extend(counter.to_be_bytes());
        signed.extend(Sha256::digest(data));
        let mut out = join(&[NAME, &self.secret.sign(&signed).to_bytes()]);
        out.push(flags);
        out.extend(counter.to_be_bytes());
        out
    }

    fn sign(&self, flags: u8, counter: u32) -> String {
        armour(&self.key(), &self.answer(&signed_data(MESSAGE), flags, counter))
    }
}

/// The verdict of ssh-keygen when the key inside the signature is the one that is listed.
fn theirs(ssh: &OpenSsh, armoured: &str) -> bool {
    ssh.verifies(&format!("a@x {}", public(&parts(armoured).0)), "a@x", NAMESPACE, armoured, MESSAGE)
}

#[test]
fn a_touched_token_counts_here_and_with_ssh_keygen() {
    let ssh = OpenSsh::new();
    for application in ["ssh:", "ssh:approvals", ""] {
        let token = Token::new(application);
        for (flags, counter) in [(TOUCH, 7), (TOUCH | PIN, 0), (TOUCH | 0x80, u32::MAX)] {
            let armoured = token.sign(flags, counter);
            assert!(theirs(&ssh, &armoured), "{application} {flags:#04x} {counter}");
            let signed = verify(&armoured, MESSAGE).unwrap();
            assert_eq!((signed.algorithm, signed.user_present), (Algorithm::SkEd25519, true));
            let file = ssh.write("token.pub", &public(&token.key()));
            assert_eq!(signed.key.to_string(), OpenSsh::fingerprint(&file.with_extension("")));

            let (signers, issues) = Signers::parse(&format!("a@x {}", public(&token.key())));
            assert_eq!(issues, []);
            assert_eq!(signers.check("a@x", &signed.key, jiff::Timestamp::UNIX_EPOCH), Ok(()));
        }
    }
}

#[test]
fn without_a_touch_a_token_counts_for_ssh_keygen_only() {
    let ssh = OpenSsh::new();
    for flags in [0, PIN, 0x80] {
        let armoured = Token::new("ssh:").sign(flags, 7);
        assert!(theirs(&ssh, &armoured), "{flags:#04x}: the signature itself is good");
        assert_eq!(verify(&armoured, MESSAGE), Err(SignatureError::UserAbsent), "{flags:#04x}");
    }
}

#[test]
fn what_the_token_said_cannot_be_changed_afterwards() {
    let ssh = OpenSsh::new();
    let token = Token::new("ssh:");
    let (touched, untouched) = (token.sign(TOUCH, 7), token.sign(0, 7));
    let answer_to = |data: &[u8]| armour(&token.key(), &token.answer(data, TOUCH, 7));
    let end = token.answer(b"", 0, 0).len();
    let cases = [
        ("the touch was added", replaced(&untouched, |_, signature| signature[end - 5] = TOUCH)),
        ("the PIN was added", replaced(&touched, |_, signature| signature[end - 5] = TOUCH | PIN)),
        ("the counter was raised", replaced(&touched, |_, signature| signature[end - 1] += 1)),
        ("another application", replaced(&touched, |key, _| *key = Token::new("ssh:other").key())),
        ("an application more", replaced(&touched, |key, _| key.extend(join(&[b"ssh:"])))),
        ("no counter", replaced(&touched, |_, signature| signature.truncate(end - 4))),
        ("no flags", replaced(&touched, |_, signature| signature.truncate(end - 5))),
        ("a byte more", replaced(&touched, |_, signature| signature.push(0))),
        ("a byte less", replaced(&touched, |_, signature| _ = signature.remove(end - 6))),
        ("the key without its application", replaced(&touched, |key, _| *key = join(&split(key)[..2]))),
        ("another message", answer_to(&signed_data(b"{}\n"))),
        ("the message without its frame", answer_to(MESSAGE)),
        (
            "a plain signature by the same secret",
            armour(
                &token.key(),
                &join(&[b"ssh-ed25519".as_slice(), &token.secret.sign(&signed_data(MESSAGE)).to_bytes()]),
            ),
        ),
        (
            "the same secret as a plain key",
            replaced(&touched, |key, _| *key = join(&[b"ssh-ed25519".as_slice(), &split(key)[1]])),
        ),
    ];
    for (what, armoured) in cases {
        assert!(!theirs(&ssh, &armoured), "{what}: ssh-keygen");
        let error = verify(&armoured, MESSAGE).expect_err(what);
        assert!(matches!(error, SignatureError::Mismatch | SignatureError::Malformed), "{what}: {error}");
    }
}

#[test]
fn a_list_of_signers_cannot_ask_for_less_than_a_touch() {
    let ssh = OpenSsh::new();
    let token = Token::new("ssh:");
    let armoured = token.sign(TOUCH, 7);
    let signed = verify(&armoured, MESSAGE).unwrap();
    // options of authorized_keys: both sides refuse the line rather than read it as if it were not there
    for option in ["no-touch-required", "verify-required", "touch-required", "user-verified"] {
        let line = format!("a@x {option} {}", public(&token.key()));
        assert!(!ssh.verifies(&line, "a@x", NAMESPACE, &armoured, MESSAGE), "{option}");
        let (signers, issues) = Signers::parse(&line);
        assert!(signers.check("a@x", &signed.key, jiff::Timestamp::UNIX_EPOCH).is_err(), "{option}");
        assert_eq!(issues.len(), 1, "{option}");
    }
}
