//! Signatures taken apart and put together again by the tests' own hand, so that each part can be wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datashare::approval::sshsig::armour;

/// SSH's members, each behind its length.
pub fn join<M: AsRef<[u8]>>(members: &[M]) -> Vec<u8> {
    let mut out = Vec::new();
    for member in members {
        out.extend(u32::try_from(member.as_ref().len()).unwrap().to_be_bytes());
        out.extend(member.as_ref());
    }
    out
}

/// The members of a text that is nothing but members.
pub fn split(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (member, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        out.push(member.to_vec());
        bytes = rest;
    }
    out
}

/// Key and signature inside the armour.
pub fn parts(armoured: &str) -> (Vec<u8>, Vec<u8>) {
    let base64: String = armoured.lines().filter(|line| !line.starts_with('-')).collect();
    let binary = STANDARD.decode(base64).unwrap();
    // the magic and the version have no length
    let mut members = split(&binary[10..]);
    let signature = members.pop().unwrap();
    (members.swap_remove(0), signature)
}

/// The line of a `.pub` file.
pub fn public(blob: &[u8]) -> String {
    let name = String::from_utf8(split(blob).swap_remove(0)).unwrap();
    format!("{name} {}", STANDARD.encode(blob))
}

/// One signature with another key, or other signature bytes, in its place.
pub fn replaced(armoured: &str, change: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>)) -> String {
    let (mut key, mut signature) = parts(armoured);
    change(&mut key, &mut signature);
    armour(&key, &signature)
}
