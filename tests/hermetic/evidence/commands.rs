//! The auditor's commands, as the built binary runs them.

use std::fs;
use std::path::Path;
use std::process::Command;

use datashare::audit::checkpoint::Signed;
use datashare::audit::keys;
use serde_json::Value;

use super::{STREAM, Site, record};
use crate::cli::{Ran, run};
use crate::folder::copy;

fn audit(site: &Site, words: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_datashare"));
    command.arg("audit").args(words).current_dir(site.folder.path());
    run(command.env("XDG_STATE_HOME", site.folder.path().join("home")))
}

fn verify(site: &Site, words: &[&str]) -> Ran {
    audit(site, &[&["verify", "--state", "."], words].concat())
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn signed() -> Site {
    let site = Site::new();
    let log = site.open();
    record(&log, 0..5);
    log.checkpoint_now();
    record(&log, 5..20);
    log.close().unwrap();
    site
}

#[test]
fn verify_says_all_is_well_or_where_it_is_not() {
    let site = signed();
    let fine = verify(&site, &[]);
    assert_eq!(fine.code, 0, "{}{}", fine.out, fine.messages);
    assert!(fine.out.contains("guard-1") && fine.out.contains(" ok"), "{}", fine.out);
    assert_eq!(fine.messages, "");
    assert!(site.folder.path().join("home/datashare/seen/jinan+guard-1.seen").is_file());
    assert_eq!(verify(&site, &["--strict"]).code, 0);

    let segment = site.segments()[1].clone();
    edit(&segment, "\"event\":\"call\",\"user\":\"p-7\"", "\"event\":\"call\",\"user\":\"p-9\"");
    let bad = verify(&site, &[]);
    assert_eq!(bad.code, 1);
    let name = segment.file_name().unwrap().to_str().unwrap();
    assert!(bad.out.contains(&format!("guard-1/entries/{name}: changed: entries 6 to 11")), "{}", bad.out);
    let json = verify(&site, &["-o", "json"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&json["ok"], &json["streams"][0]["findings"][0]["kind"]), (&false.into(), &"changed".into()));
    let csv = verify(&site, &["-o", "csv"]);
    assert!(csv.out.lines().nth(1).unwrap().contains(",changed,guard-1/entries/"), "{}", csv.out);
    edit(&segment, "p-9", "p-7");

    // a line taken out is named to the line
    let whole = fs::read_to_string(&segment).unwrap();
    let second = whole.lines().nth(1).unwrap();
    fs::write(&segment, whole.replacen(&format!("{second}\n"), "", 1)).unwrap();
    let bad = verify(&site, &[]);
    assert!(bad.out.contains(&format!("{name}:2: removed: entries")), "{}", bad.out);
    fs::write(&segment, whole).unwrap();
    assert_eq!(verify(&site, &[]).code, 0);
}

#[test]
fn what_no_checkpoint_covers_is_told_and_with_strict_refused() {
    let site = signed();
    let last = site.segments().pop().unwrap();
    let text = fs::read_to_string(&last).unwrap();
    let stop = text.lines().last().unwrap().to_owned();
    let next = stop.replace("\"index\":21", "\"index\":22").replace("\"stop\"", "\"start\",\"code\":\"clean\"");
    fs::write(&last, format!("{text}{next}\n")).unwrap();
    let told = verify(&site, &[]);
    assert_eq!(told.code, 0, "{}", told.out);
    assert!(told.messages.contains("entries 22 to 22 are newer than the newest checkpoint"), "{}", told.messages);
    let strict = verify(&site, &["--strict"]);
    assert_eq!(strict.code, 1);
    assert!(strict.out.contains("not yet proven"), "{}", strict.out);
}

#[test]
fn what_was_seen_or_kept_elsewhere_tells_an_earlier_state() {
    let site = signed();
    let earlier = site.folder.path().join("earlier");
    copy(&site.log(), &earlier.join("log"));
    let log = site.open();
    record(&log, 20..24);
    log.close().unwrap();
    let kept = site.folder.path().join("kept");
    fs::copy(site.stream().join("checkpoint"), &kept).unwrap();
    assert_eq!(verify(&site, &[]).code, 0);
    let fresh = ["--state", "earlier", "--seen", "fresh"];
    assert_eq!(audit(&site, &[&["verify"], &fresh[..]].concat()).code, 0);
    for words in [&["--state", "earlier"][..], &[&fresh[..], &["--checkpoint", "kept"]].concat()] {
        let old = audit(&site, &[&["verify"], words].concat());
        assert_eq!(old.code, 1, "{words:?} {}", old.out);
        assert!(old.out.contains("rolled back"), "{}", old.out);
    }
    // the keys somebody was given
    let keys = site.stream().join("keys");
    assert_eq!(verify(&site, &["--keys", keys.to_str().unwrap()]).code, 0);
    let other = signed().folder;
    fs::copy(other.path().join("log/guard-1/keys"), site.folder.path().join("others")).unwrap();
    let forged = verify(&site, &["--keys", "others"]);
    assert!(forged.code == 1 && forged.out.contains("guard-1/keys:1: forged"), "{}", forged.out);
    // a stream that is gone
    fs::rename(site.stream(), site.folder.path().join("away")).unwrap();
    let gone = verify(&site, &[]);
    assert!(gone.code == 1 && gone.out.contains("the whole stream is missing"), "{}", gone.out);
}

#[test]
fn an_archive_is_verified_by_itself_and_bears_witness() {
    let site = signed();
    let archive = site.folder.path().join("archive/jinan");
    copy(&site.stream(), &archive.join(STREAM));
    let both = verify(&site, &["--archive", "archive"]);
    assert_eq!(both.code, 0, "{}{}", both.out, both.messages);
    let url = format!("file://{}", site.folder.path().join("archive").display());
    let alone = audit(&site, &["verify", "--state", "nowhere", "--archive", &url]);
    assert_eq!((alone.code, alone.out.matches("guard-1").count()), (0, 1), "{}", alone.out);
    // the record here is set back; what the archive has tells
    let list = site.stream().join("checkpoints.jsonl");
    let first = fs::read_to_string(&list).unwrap().lines().next().unwrap().to_owned();
    let note = Signed::parse_line(first.as_bytes()).unwrap().note.to_string();
    fs::write(&list, format!("{first}\n")).unwrap();
    fs::write(site.stream().join("checkpoint"), note).unwrap();
    let back = verify(&site, &["--archive", "archive", "--seen", "fresh"]);
    assert!(back.code == 1 && back.out.contains("rolled back"), "{}", back.out);
}

#[test]
fn one_entry_is_proven_with_public_keys_alone() {
    let site = signed();
    let proof = audit(&site, &["prove", "guard-1/7", "--state", "."]);
    assert_eq!(proof.code, 0, "{}", proof.messages);
    assert!(proof.out.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{}", proof.out);
    let away = tempfile::tempdir().unwrap();
    fs::write(away.path().join("seven.tlog-proof"), &proof.out).unwrap();
    fs::copy(site.stream().join("keys"), away.path().join("keys")).unwrap();
    let check = |file: &str, key: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_datashare"));
        run(command.args(["audit", "verify-proof", file, "--key", key]).current_dir(away.path()))
    };
    let proven = check("seven.tlog-proof", "keys");
    assert_eq!(proven.code, 0, "{}", proven.messages);
    assert!(proven.out.contains("\"index\":7,") && proven.messages.starts_with("proven: entry 7 of jinan/guard-1"));
    fs::write(away.path().join("bad"), proof.out.replace("index 7", "index 6")).unwrap();
    assert_eq!(check("bad", "keys").code, 1);
    fs::copy(signed().stream().join("keys"), away.path().join("others")).unwrap();
    let others = check("seven.tlog-proof", "others");
    assert!(others.code == 1 && others.messages.contains("none of the keys"), "{}", others.messages);
    assert_eq!(check("nowhere", "keys").code, 2);
    let beyond = audit(&site, &["prove", "guard-1/99", "--state", "."]);
    assert!(beyond.code == 2 && beyond.messages.contains("not yet proven"), "{}", beyond.messages);
    assert_eq!(audit(&site, &["prove", "guard-1", "--state", "."]).code, 2);
    assert_eq!(audit(&site, &["verify", "--state", "nowhere"]).code, 2);
}

#[test]
fn keys_are_rotated_with_and_without_a_guard() {
    let site = signed();
    let rotated = audit(&site, &["rotate-key", "--state", "."]);
    assert_eq!(rotated.code, 0, "{}", rotated.messages);
    assert!(rotated.out.contains("guard-1: signed from now on by jinan/guard-1+"), "{}", rotated.out);
    assert_eq!(verify(&site, &[]).code, 0);
    let log = site.open();
    let rotated = audit(&site, &["rotate-key", "--state", "."]);
    assert!(rotated.code == 0 && rotated.out.contains("the guard that writes it takes over"), "{}", rotated.messages);
    record(&log, 0..3);
    log.checkpoint_now();
    log.close().unwrap();
    assert_eq!(keys::read(&site.stream().join("keys")).unwrap().unwrap().len(), 3);
    let verdict = verify(&site, &["--strict"]);
    assert_eq!(verdict.code, 0, "{}{}", verdict.out, verdict.messages);
}

#[test]
fn a_record_that_is_not_there_is_never_well() {
    let site = signed();
    let kept = site.folder.path().join("kept");
    fs::copy(site.stream().join("checkpoint"), &kept).unwrap();
    fs::rename(site.stream(), site.folder.path().join("away")).unwrap();
    for words in [&["--seen", "s"][..], &["--seen", "s", "-o", "json", "--strict"]] {
        let nothing = verify(&site, words);
        assert_eq!((nothing.code, &*nothing.out), (2, ""), "{}", nothing.messages);
        assert!(nothing.messages.contains("there is nothing to verify in"), "{}", nothing.messages);
    }
    // neither is a folder in which there is nothing
    fs::create_dir_all(site.stream().join("entries")).unwrap();
    assert_eq!(verify(&site, &["--seen", "s"]).code, 2);
    let gone = verify(&site, &["--seen", "s", "--checkpoint", "kept"]);
    assert_eq!(gone.code, 1, "{}", gone.messages);
    assert!(gone.out.contains("removed: nothing is there of the stream of which kept has checkpoint"), "{}", gone.out);
    // another stream does not stand for it
    assert_eq!(verify(&site, &["--seen", "s", "--checkpoint", "kept", "--stream", "guard-1"]).code, 2);
}
