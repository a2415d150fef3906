//! Tokens stay known as long as their grants are there, and no longer than there are too many of them.

use std::fmt::Write;

use super::*;

const NOW: &str = "2026-11-24T02:00:00Z";

fn line(grant: &str, serial: &str, number: usize, not_after: &str) -> String {
    let name = format!(r#"{{"namespace":"p","name":"{grant}"}}"#);
    format!(
        r#"{{"grant":{name},"request":{name},"serial":"{serial}","id":"{number}","token":"dst_{grant}{number}","notBefore":"2026-01-01T00:00:00Z","notAfter":"{not_after}","rotateBy":"{not_after}"}}"#
    )
}

#[test]
fn old_tokens_of_grants_that_are_there_stay_known() {
    let folder = tempfile::tempdir().unwrap();
    let now: Timestamp = NOW.parse().unwrap();
    let mut text = String::new();
    for number in 0..=SLACK {
        writeln!(text, "{}", line("gone", "s", number, "2026-02-01T00:00:00Z")).unwrap();
        writeln!(text, "{}", line("renewed", "old", number, "2026-02-01T00:00:00Z")).unwrap();
    }
    for (grant, not_after) in [("there", "2026-03-01T00:00:00Z"), ("gone", "2027-01-01T00:00:00Z")] {
        writeln!(text, "{}", line(grant, "s", 0, not_after)).unwrap();
    }
    std::fs::write(folder.path().join(FILE), text).unwrap();
    let (mut credentials, known) = Credentials::open(folder.path(), now).unwrap();
    assert_eq!(known.len(), 2 * SLACK + 4);
    let stands =
        |key: &Key, serial: &str| (&*key.name, serial) == ("there", "s") || (&*key.name, serial) == ("renewed", "new");
    credentials.tidy(stands, now).unwrap();
    drop(credentials);
    let (mut credentials, known) = Credentials::open(folder.path(), now).unwrap();
    let names: Vec<_> = known.iter().map(|(key, serial, ..)| (&*key.name, &**serial)).collect();
    assert_eq!(names, [("there", "s"), ("gone", "s")], "out of time but there, and gone but in time");
    // few of them are not worth the writing
    let before = std::fs::read(folder.path().join(FILE)).unwrap();
    credentials.tidy(|_, _| false, now).unwrap();
    assert_eq!(std::fs::read(folder.path().join(FILE)).unwrap(), before);
}
