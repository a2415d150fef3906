//! `allowed_signers`, line by line: our verdict beside ssh-keygen's. They differ only where the
//! reader is documented to be stricter.

use datashare::approval::NAMESPACE;
use datashare::approval::signers::Signers;
use datashare::approval::sshsig::verify;

use super::MESSAGE;
use super::openssh::OpenSsh;

#[derive(Clone, Copy, PartialEq, Debug)]
enum Both {
    Accept,
    Refuse,
    /// ssh-keygen takes the line, we call it void.
    OursStricter,
}
use Both::{Accept, OursStricter, Refuse};

/// `$K` stands for the signer's public key, `$O` for another's.
const LINES: &[(&str, Both)] = &[
    ("a@x $K", Accept),
    ("a@x $K a comment", Accept),
    ("  a@x $K", Accept),
    ("\ta@x\t$K", Accept),
    ("a@x,b@x $K", Accept),
    ("b@x,a@x $K", Accept),
    ("b@x $K", Refuse),
    ("A@x $K", Refuse),
    ("a@x $O", Refuse),
    ("a@x $O\na@x $K", Accept),
    ("a@x $K\na@x $K", Accept),
    ("# a@x $K", Refuse),
    ("", Refuse),
    ("\n\n# list\na@x $K\n", Accept),
    ("\"a@x\" $K", Accept),
    ("\"b@x,a@x\" $K", Accept),
    ("\"a@x $K", Refuse),
    ("a@x namespaces=\"approval@datashare.dev\" $K", Accept),
    ("a@x namespaces=\"git,approval@datashare.dev\" $K", Accept),
    ("a@x NameSpaces=\"approval@datashare.dev\" $K", Accept),
    ("a@x namespaces=\"git\" $K", Refuse),
    ("a@x namespaces=\"*\" $K", Accept),
    ("a@x namespaces=\"approval@*\" $K", Accept),
    ("a@x namespaces=\"approval@datashare.de?\" $K", Accept),
    ("a@x namespaces=\"*,!approval@*\" $K", Refuse),
    ("a@x namespaces=\"!git,*\" $K", Accept),
    ("a@x namespaces=\"\" $K", Refuse),
    ("a@x namespaces=approval@datashare.dev $K", Refuse),
    ("a@x namespaces=\"git\" $K\na@x $K", Accept),
    ("a@x namespaces=\"*\",namespaces=\"*\" $K", Refuse),
    ("a@x valid-after=\"20260101Z\" $K", Accept),
    ("a@x valid-after=\"20260701Z\" $K", Refuse),
    ("a@x valid-after=\"20260601120000Z\" $K", Accept),
    ("a@x valid-after=\"20260601120001Z\" $K", Refuse),
    ("a@x valid-before=\"20260601120000Z\" $K", Accept),
    ("a@x valid-before=\"20260601115959Z\" $K", Refuse),
    ("a@x valid-before=\"202606011200Z\" $K", Accept),
    ("a@x valid-before=\"20260101Z\" $K", Refuse),
    ("a@x valid-after=\"20260101Z\",valid-before=\"20270101Z\" $K", Accept),
    ("a@x valid-after=\"20270101Z\",valid-before=\"20260101Z\" $K", Refuse),
    ("a@x valid-after=\"20260101Z\",namespaces=\"approval@datashare.dev\" $K", Accept),
    ("a@x valid-after=\"tomorrow\" $K", Refuse),
    ("a@x valid-after=\"20261301Z\" $K", Refuse),
    ("a@x valid-after=20260101Z $K", Refuse),
    ("a@x no-touch-required $K", Refuse),
    ("a@x namespaces=\"*\" , $K", Refuse),
    ("a@x", Refuse),
    ("a@x cert-authority $K", Refuse),
    ("a@x ssh-ed25519 AAAA", Refuse),
    ("a@x ssh-ed25519 AAAA\na@x $K", Accept),
    ("nonsense\na@x $K", Accept),
    ("a@x $K\r", Accept),
    ("a@x valid-after=\"20260101\" $K", OursStricter),
    ("* $K", OursStricter),
    ("*@x $K", OursStricter),
    ("a@? $K", OursStricter),
    ("a@x,!b@x $K", OursStricter),
];

#[test]
fn every_line_gets_the_verdict_that_ssh_keygen_gives() {
    let ssh = OpenSsh::new();
    let key = ssh.key("ed25519", "256", "");
    let other = ssh.key("ecdsa", "256", "");
    let signature = OpenSsh::sign(&key, NAMESPACE, "sha512", MESSAGE);
    let signed = verify(&signature, MESSAGE).unwrap();
    let at = "2026-06-01T12:00:00Z".parse().unwrap();
    for (pattern, expected) in LINES {
        let allowed = pattern.replace("$K", &OpenSsh::public(&key)).replace("$O", &OpenSsh::public(&other));
        let theirs = ssh.verifies_at(&allowed, "a@x", NAMESPACE, &signature, MESSAGE, Some("20260601120000Z"));
        let (signers, _) = Signers::parse(&allowed);
        let ours = signers.check("a@x", &signed.key, at).is_ok();
        let verdict = match (theirs, ours) {
            (true, true) => Accept,
            (false, false) => Refuse,
            (true, false) => OursStricter,
            (false, true) => panic!("{pattern:?}: we accept what ssh-keygen refuses"),
        };
        assert_eq!(verdict, *expected, "{pattern:?}");
    }
}
