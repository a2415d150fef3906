//! SSH signatures, as armour and as the bytes in it: whatever counts, counts for one message only, names
//! the key it claims, and another reader of the format agrees.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datashare::approval::NAMESPACE;
use datashare::approval::sshsig::{Algorithm, MAX_ARMOUR, claimed_key, verify};
use libfuzzer_sys::fuzz_target;
use ssh_key::{HashAlg, SshSig};

const MESSAGE: &[u8] = b"{\"type\":\"datashare.dev/approval/v1\"}\n";
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

fn check(armoured: &str) {
    let Ok(signed) = verify(armoured, MESSAGE) else {
        let _ = claimed_key(armoured);
        return;
    };
    assert!(armoured.len() <= MAX_ARMOUR);
    assert_eq!(claimed_key(armoured), Ok(signed.key));
    assert!(verify(armoured, b"{}\n").is_err(), "one signature, one message");
    assert_eq!(signed.user_present, signed.algorithm == Algorithm::SkEd25519);

    let body = armoured.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END)).unwrap();
    let packed: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let binary = STANDARD.decode(packed).unwrap();
    let lines: Vec<String> =
        STANDARD.encode(binary).as_bytes().chunks(70).map(|line| String::from_utf8_lossy(line).into()).collect();
    let theirs = SshSig::from_pem(format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))).unwrap();
    assert_eq!(theirs.namespace(), NAMESPACE);
    assert_eq!(theirs.hash_alg(), HashAlg::Sha512);
    let print = ssh_key::PublicKey::from(theirs.public_key().clone()).fingerprint(HashAlg::Sha256);
    assert_eq!(print.to_string(), signed.key.to_string());
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        check(text);
    }
    check(&format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(bytes)));
});
