//! Notes and keys against those of the reference, and against every changed byte.

use proptest::prelude::*;

use super::*;

/// The vectors of golang.org/x/mod/sumdb/note: its documentation's key pair and note.
const PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PRIVATE: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";

#[test]
fn the_note_of_the_reference_verifies_and_its_key_makes_it() {
    let note = format!(
        "{TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    );
    let parsed = Note::parse(&note).unwrap();
    assert_eq!(parsed.to_string(), note);
    let public: VerifyingKey = PUBLIC.parse().unwrap();
    assert_eq!(parsed.standing(&public), Standing::Signed);
    let private = SigningKey::parse(PRIVATE).unwrap();
    assert_eq!(private.public(), &public);
    assert_eq!(private.line().expose(), PRIVATE);
    assert_eq!(Note::sign(TEXT.to_owned(), &[&private]), parsed);
    assert!(!format!("{private:?}").contains("AYEKFALV"));
    assert_eq!(public.to_string(), PUBLIC);
    for wrong in [
        PUBLIC.replace("c74f20a3", "c74f20a4"),
        PUBLIC.replace("+AR", "+Ax"),
        PUBLIC.replace("Peter", "Peter "),
        PUBLIC.replace("Neumann", "neumann"),
        PUBLIC.replace('+', " "),
        String::new(),
    ] {
        assert!(wrong.parse::<VerifyingKey>().is_err(), "{wrong}");
    }
}

#[test]
fn a_signature_of_another_is_passed_over_and_a_spoiled_one_is_not() {
    let [mine, other] = ["济南/guard-1", "other"].map(|name| SigningKey::generate(name).unwrap());
    let note = Note::sign("one\n\ntwo\n".to_owned(), &[&other, &mine]);
    let read = Note::parse(&note.to_string()).unwrap();
    assert_eq!(read, note);
    assert_eq!(read.text(), "one\n\ntwo\n");
    let stranger = SigningKey::generate("济南/guard-1").unwrap();
    for (key, standing) in [(&mine, Standing::Signed), (&other, Standing::Signed), (&stranger, Standing::Unsigned)] {
        assert_eq!(read.standing(key.public()), standing);
    }
    let spoiled = Note::parse(&note.to_string().replace("two", "too")).unwrap();
    assert_eq!(spoiled.standing(mine.public()), Standing::Spoiled);
}

proptest! {
    #[test]
    fn what_is_read_is_written_the_same(note in "[a-z\n]{0,20}\n\n(— [a-z+ ]{1,5} [A-Za-z0-9+/]{0,12}={0,2}\n){0,3}|\\PC{0,60}") {
        if let Ok(read) = Note::parse(&note) {
            prop_assert_eq!(read.to_string(), note);
        }
    }

    #[test]
    fn a_changed_byte_never_stays_signed(at in any::<usize>(), by in 1..=255_u8) {
        let key = SigningKey::parse(PRIVATE).unwrap();
        let mut bytes = Note::sign(TEXT.to_owned(), &[&key]).to_string().into_bytes();
        let at = at % bytes.len();
        bytes[at] ^= by;
        let read = String::from_utf8(bytes).ok().and_then(|text| Note::parse(&text).ok());
        prop_assert!(read.is_none_or(|read| read.standing(key.public()) != Standing::Signed));
    }

    #[test]
    fn a_key_read_is_the_key_written(line in "[a-z]{1,5}\\+[0-9a-f]{8}\\+[A-Za-z0-9+/]{44}|\\PC{0,60}") {
        if let Ok(key) = line.parse::<VerifyingKey>() {
            prop_assert_eq!(key.to_string(), line);
        }
    }
}
