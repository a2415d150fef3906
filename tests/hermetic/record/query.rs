//! Asking the record: every filter, every form of output, while it is being written.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use clap::{Args as _, FromArgMatches as _};
use datashare::audit::inventory::{SEALED, Said as Lines};
use datashare::audit::usage::Usage;
use datashare::audit::{Entry, Event, Log, NameRef, Options, Outcome, Parameter, Recorded, SiteKey};
use datashare::cli::audit::{self, AuditArgs};
use datashare::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{call, clock, segments};

/// What a command printed, and how it ended.
struct Said {
    code: Result<u8, String>,
    out: String,
    messages: String,
}

fn args(state: &Path, words: &[&str]) -> AuditArgs {
    let command = AuditArgs::augment_args(clap::Command::new("audit"));
    let fixed = ["audit", "query", "--state"].map(OsString::from);
    let words = fixed.into_iter().chain([state.into()]).chain(words.iter().map(OsString::from));
    AuditArgs::from_arg_matches(&command.try_get_matches_from(words).unwrap()).unwrap()
}

fn query(state: &Path, clock: &Clock, words: &[&str]) -> Said {
    let args = args(state, words);
    let (mut out, mut messages) = (Vec::new(), Vec::new());
    let code = audit::run(&args, false, clock, &mut out, &mut messages).map_err(|error| error.to_string());
    Said { code, out: String::from_utf8(out).unwrap(), messages: String::from_utf8(messages).unwrap() }
}

fn users(state: &Path, clock: &Clock, words: &[&str]) -> Vec<String> {
    let said = query(state, clock, &[&["-o", "json"], words].concat());
    assert_eq!(said.code, Ok(0), "{}", said.messages);
    let entries: Vec<Recorded> = serde_json::from_str(&said.out).unwrap();
    assert!(entries.is_sorted_by_key(|entry| entry.time));
    entries.into_iter().map(|entry| entry.user.unwrap_or_else(|| entry.event.to_string())).collect()
}

/// Two streams in turn, an hour between calls: a and c in one, b and d in the other, a segment for each entry.
fn world(state: &Path) -> Clock {
    let clock = clock();
    let key = SiteKey::load_or_create(&state.join("site-key")).unwrap();
    let hashed = key.hash("370102199001011234");
    let options = |stream: &str| Options { stream: Some(stream.into()), max_segment_bytes: 1, ..Options::default() };
    let streams =
        ["guard-1", "guard-2"].map(|name| Log::open(&state.join("log"), &options(name), clock.clone()).unwrap().0);
    let sensitive = [Parameter { name: "idNumber", value: hashed.as_str() }];
    let plain = [Parameter { name: "year", value: "2026" }];
    let entries = [
        call("a", &["ownerName"], &sensitive),
        Entry {
            resource: Some(NameRef { namespace: "jinan-registration", name: "marriage" }),
            ..call("b", &["ownerName"], &plain)
        },
        Entry {
            event: Event::Refusal,
            outcome: Some(Outcome::Refused),
            code: Some("quota-exceeded"),
            case: Some("=case"),
            ..call("c", &[], &[])
        },
        Entry { outcome: Some(Outcome::Failed), code: Some("upstream-status"), ..call("d", &[], &sensitive) },
    ];
    for (entry, log) in entries.iter().zip(streams.iter().cycle()) {
        clock.advance(SignedDuration::from_hours(1));
        log.append_blocking(entry).unwrap();
    }
    clock.advance(SignedDuration::from_hours(1));
    for log in streams {
        log.close().unwrap();
    }
    clock
}

#[test]
fn every_filter_finds_what_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let clock = world(state);
    // noon in UTC+8 is when the streams start, the calls follow at 13, 14, 15 and 16 o'clock
    for (words, found) in [
        (&[][..], &["start", "start", "a", "b", "c", "d", "stop", "stop"][..]),
        (&["--unit", "11370100004188XXXX"], &["a", "b", "c", "d"]),
        (&["--unit", "济南市税务局"], &["a", "b", "c", "d"]),
        (&["--unit", "济南市"], &[]),
        (&["--user", "b"], &["b"]),
        (&["--case", "case-1"], &["a", "b", "d"]),
        (&["--resource", "marriage"], &["b"]),
        (&["--resource", "jinan-registration/property-ownership"], &["a", "c", "d"]),
        (&["--resource", "elsewhere/marriage"], &[]),
        (&["--person", "370102199001011234"], &["a", "d"]),
        (&["--person", "2026"], &["b"]),
        (&["--person", "ownerName"], &[]),
        (&["--since", "2026-11-24T15:00:00+08:00", "--event", "call"], &["d"]),
        (&["--until", "2026-11-24T14:00:00+08:00", "--event", "call"], &["a"]),
        (&["--since", "2026-11-24", "--until", "2026-11-24", "--user", "a"], &["a"]),
        (&["--since", "2026-11-25"], &[]),
        (&["--until", "2026-11-23"], &[]),
        (&["--since", "150m", "--outcome", "refused"], &["c"]),
        (&["--grant", "济登共享〔2026〕12号", "--outcome", "released"], &["a", "b"]),
        (&["--outcome", "failed"], &["d"]),
        (&["--code", "quota-exceeded"], &["c"]),
        (&["--event", "stop"], &["stop", "stop"]),
        (&["--limit", "2", "--case", "case-1"], &["b", "d"]),
        (&["--limit", "99", "--outcome", "released"], &["a", "b"]),
    ] {
        assert_eq!(users(state, &clock, words), found, "{words:?}");
    }
}

#[test]
fn the_newest_of_two_streams_are_the_newest_of_both() {
    let folder = tempfile::tempdir().unwrap();
    let clock = world(folder.path());
    let all = users(folder.path(), &clock, &[]);
    for limit in 1..=all.len() {
        let newest = users(folder.path(), &clock, &["--limit", &limit.to_string()]);
        assert_eq!(newest, all[all.len() - limit..]);
    }
}

#[test]
fn a_long_segment_beside_many_short_ones_is_read_in_the_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let open = |stream: &str, max_segment_bytes| {
        let options = Options { stream: Some(stream.into()), max_segment_bytes, ..Options::default() };
        Log::open(&folder.path().join("log"), &options, clock.clone()).unwrap().0
    };
    let streams = [open("guard-1", u64::MAX), open("guard-2", 1)];
    let all: Vec<_> = (0..30).map(|number| number.to_string()).collect();
    for (user, log) in all.iter().zip(streams.iter().cycle()) {
        clock.advance(SignedDuration::from_secs(1));
        log.append_blocking(&call(user, &[], &[])).unwrap();
    }
    assert_eq!(users(folder.path(), &clock, &["--event", "call"]), all);
    for limit in 1..=all.len() {
        let newest = users(folder.path(), &clock, &["--event", "call", "--limit", &limit.to_string()]);
        assert_eq!(newest, all[all.len() - limit..]);
    }
}

/// How a segment lies there.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lies {
    Plain,
    /// Sealed, and in the inventory.
    Known,
    /// Sealed, and not.
    Unknown,
}

fn hour(hour: i64) -> Timestamp {
    Timestamp::from_second(1_764_000_000 + hour * 3600).unwrap()
}

/// A stream whose entries were written at these hours, whatever its clock did between them.
fn lay(state: &Path, segments: &[(Vec<i64>, Lies)]) {
    let stream = state.join("log/guard-1");
    fs::create_dir_all(stream.join("entries")).unwrap();
    let (mut index, mut inventory) = (0, String::new());
    for (hours, lies) in segments {
        let first = index;
        let mut text = String::new();
        for at in hours {
            let start = format!("{{\"v\":1,\"stream\":\"guard-1\",\"index\":{index},\"time\":\"{:.6}\"", hour(*at));
            text += &[start.as_str(), ",\"event\":\"call\",\"user\":\"", &at.to_string(), "\"}\n"].concat();
            index += 1;
        }
        let path = stream.join(format!("entries/{first:020}.jsonl"));
        if *lies == Lies::Plain {
            fs::write(path, text).unwrap();
            continue;
        }
        let bytes = zstd::encode_all(text.as_bytes(), 1).unwrap();
        fs::write(path.with_extension("jsonl.zst"), &bytes).unwrap();
        if *lies == Lies::Known {
            let said = Lines::read(first, text.as_bytes(), &mut |_| ()).unwrap();
            let facts = said.of_file(first, bytes.len() as u64, String::new());
            inventory += &serde_json::to_string(&facts).unwrap();
            inventory.push('\n');
        }
    }
    fs::write(stream.join(SEALED), inventory).unwrap();
}

#[test]
fn a_clock_that_was_set_hides_no_entry_from_those_who_ask_by_time() {
    for lies in [Lies::Plain, Lies::Known, Lies::Unknown] {
        let folder = tempfile::tempdir().unwrap();
        // three days back within a segment; a week ahead within one, and right again in the same
        let clock = [&[0, 1, 2][..], &[3, 4, -68, -67], &[-66, -65], &[-64, 104, -63], &[-62]];
        let segments: Vec<_> = clock.iter().map(|hours| (hours.to_vec(), lies)).collect();
        lay(folder.path(), &segments);
        let ask = |words: &[&str]| users(folder.path(), &Clock::manual(hour(200)), words);
        let text = |at: i64| hour(at).to_string();
        assert_eq!(ask(&["--since", &text(3)]), ["3", "4", "104"], "{lies:?}");
        assert_eq!(ask(&["--since", &text(50)]), ["104"], "{lies:?}");
        assert_eq!(ask(&["--until", &text(-66)]), ["-68", "-67"], "{lies:?}");
        assert_eq!(ask(&["--since", &text(-66), "--until", &text(-63)]), ["-66", "-65", "-64"], "{lies:?}");
        assert_eq!(ask(&["--limit", "2"]), ["4", "104"], "{lies:?}");
    }
}

#[test]
fn what_is_known_to_be_over_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let segments: Vec<_> = (0..200).map(|day| (vec![day * 24, day * 24 + 23], Lies::Known)).collect();
    lay(folder.path(), &segments);
    let clock = Clock::manual(hour(200 * 24));
    let said = |words: &[&str]| query(folder.path(), &clock, &[&["-o", "json"], words].concat());
    // of a segment of the old days not a byte is right but their number
    for first in [0, 2, 20] {
        let path = folder.path().join(format!("log/guard-1/entries/{first:020}.jsonl.zst"));
        let length = fs::read(&path).unwrap().len();
        fs::write(&path, vec![b'x'; length]).unwrap();
    }
    let recent = said(&["--since", "3d"]);
    assert_eq!((recent.code, recent.messages.as_str()), (Ok(0), ""));
    assert_eq!(serde_json::from_str::<Vec<Recorded>>(&recent.out).unwrap().len(), 6);
    assert!(said(&[]).code.is_err(), "whoever asks for those is told");
}

#[test]
fn a_table_for_eyes_and_rows_for_spreadsheets() {
    let folder = tempfile::tempdir().unwrap();
    let clock = world(folder.path());
    let table = query(folder.path(), &clock, &["--user", "a"]).out;
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("TIME") && lines[0].ends_with("RECEIPT"), "{table}");
    let shown = "2026-11-24 13:00:00+08:00  call   济南市税务局  a     case-1  consent-1  \
                 jinan-registration/property-ownership by-id  ownerName  3      released  济登共享〔2026〕12号  guard-1/1";
    assert_eq!(lines[1], shown);
    assert_eq!(query(folder.path(), &clock, &["--user", "nobody"]).out, "");

    let rows = query(folder.path(), &clock, &["--user", "c", "-o", "csv"]).out;
    let mut reader = csv::Reader::from_reader(rows.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let row = reader.records().next().unwrap().unwrap();
    let cell = |name: &str| row.get(headers.iter().position(|header| header == name).unwrap()).unwrap();
    assert_eq!(cell("time"), "2026-11-24T07:00:00.000000Z", "as in the record, to the last digit");
    assert_eq!((cell("user"), cell("case"), cell("code"), cell("status")), ("c", "'=case", "quota-exceeded", "200"));
    assert_eq!(cell("receipt"), "guard-1/2");
    assert!(query(folder.path(), &clock, &["--user", "nobody", "-o", "csv"]).out.starts_with("receipt,time,"));
    assert_eq!(query(folder.path(), &clock, &["--user", "nobody", "-o", "json"]).out, "[]\n");
}

/// A reader that has left.
struct Left;

impl std::io::Write for Left {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure_in_any_form() {
    let folder = tempfile::tempdir().unwrap();
    lay(folder.path(), &[((0..300).collect(), Lies::Plain)]);
    for form in ["table", "json", "csv"] {
        let args = args(folder.path(), &["-o", form]);
        let code = audit::run(&args, false, &Clock::manual(hour(400)), &mut Left, &mut Vec::new());
        assert_eq!(code.map_err(|error| error.to_string()), Ok(0), "{form}");
    }
}

#[test]
fn json_is_the_record_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let clock = world(folder.path());
    let out = query(folder.path(), &clock, &["--user", "a", "-o", "json"]).out;
    let line = fs::read_to_string(folder.path().join("log/guard-1/entries/00000000000000000001.jsonl")).unwrap();
    assert_eq!(out, format!("[\n{line}]\n"));
}

#[test]
fn an_entry_being_written_is_not_there_yet_and_a_spoilt_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let log = Log::open(&state.join("log"), &Options::default(), clock()).unwrap().0;
    log.append_blocking(&call("a", &[], &[])).unwrap();
    let path = segments(&state.join("log")).remove(0);
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(br#"{"v":1,"stream":"guard-1","index":2,"ti"#).unwrap();
    assert_eq!(users(state, &clock(), &[]), ["start", "a"]);
    file.write_all(b"\nand so on\n").unwrap();
    let said = query(state, &clock(), &["-o", "json"]);
    assert_eq!(said.code, Ok(1));
    let named = format!("{p}:3: not an entry, passed over\n{p}:4: not an entry, passed over\n", p = path.display());
    assert_eq!(said.messages, named);
    assert_eq!(serde_json::from_str::<Vec<Recorded>>(&said.out).unwrap().len(), 2);
}

#[test]
fn what_cannot_be_answered_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let said = |words: &[&str]| query(folder.path(), &clock(), words).code.unwrap_err();
    assert!(said(&[]).contains("no record at"));
    assert!(said(&["--since", "soon"]).contains("--since: `soon` is no time"));
    assert!(said(&["--time-zone", "Jinan"]).contains("`Jinan` is no time zone"));
    assert!(said(&["--person", "x"]).contains("site key"));
    assert!(!folder.path().join("site-key").exists(), "a question made a key");
}

#[test]
fn usage_counts_what_was_admitted_today() {
    let folder = tempfile::tempdir().unwrap();
    let clock = world(folder.path());
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let midnight = at("2026-11-24T05:30:00Z");
    let usage = Usage::read(&folder.path().join("log"), midnight, at("2026-11-01T00:00:00Z")).unwrap();
    let found = usage.of("jinan-registration", "deed-tax").unwrap();
    // a lies before, b was released, c refused, d failed
    assert_eq!((found.today, found.last_used), (2, at("2026-11-24T08:00:00Z")));
    assert_eq!(usage.iter().count(), 1);
    assert_eq!(usage.of("jinan-registration", "other"), None);
    let none = Usage::read(&folder.path().join("log"), clock.now(), clock.now()).unwrap();
    assert_eq!(none.iter().count(), 0);
}

fn lies() -> impl Strategy<Value = Lies> {
    prop_oneof![Just(Lies::Plain), Just(Lies::Known), Just(Lies::Unknown)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_clock_did_the_time_asked_for_is_answered(
        segments in prop::collection::vec((prop::collection::vec(-100_i64..100, 1..5), lies()), 1..9),
        since in -110_i64..110,
        long in 0_i64..60,
        limit in 1_usize..6,
    ) {
        let folder = tempfile::tempdir().unwrap();
        lay(folder.path(), &segments);
        let ask = |words: &[&str]| {
            let said = query(folder.path(), &Clock::manual(hour(200)), &[&["-o", "json"], words].concat());
            let entries: Vec<Recorded> = serde_json::from_str(&said.out).unwrap();
            let mut hours: Vec<i64> = entries.iter().map(|entry| entry.user.as_ref().unwrap().parse().unwrap()).collect();
            hours.sort_unstable();
            hours
        };
        let mut all: Vec<i64> = segments.iter().flat_map(|(hours, _)| hours.clone()).collect();
        all.sort_unstable();
        let asked = |from: i64, to: i64| all.iter().copied().filter(|at| (from..to).contains(at)).collect::<Vec<_>>();
        let (from, to) = (hour(since).to_string(), hour(since + long).to_string());
        prop_assert_eq!(ask(&["--since", &from]), asked(since, i64::MAX));
        prop_assert_eq!(ask(&["--until", &to]), asked(i64::MIN, since + long));
        prop_assert_eq!(ask(&["--since", &from, "--until", &to]), asked(since, since + long));
        let newest = ask(&["--limit", &limit.to_string()]);
        prop_assert_eq!(newest, all[all.len().saturating_sub(limit)..].to_vec());
    }

    #[test]
    fn whatever_the_files_hold_a_query_ends(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0..400_usize) {
        let folder = tempfile::tempdir().unwrap();
        let entries = folder.path().join("log/guard-1/entries");
        fs::create_dir_all(&entries).unwrap();
        let good = br#"{"v":1,"stream":"guard-1","index":0,"time":"2026-11-24T04:00:00.000000Z","event":"call"}"#;
        let mut text = good[..cut.min(good.len())].to_vec();
        text.extend(&bytes);
        text.push(b'\n');
        fs::write(entries.join("00000000000000000000.jsonl"), text).unwrap();
        let words: [&[&str]; 4] = [&["-o", "json"], &["-o", "csv"], &["--user", "x"], &["--limit", "1"]];
        for words in words {
            prop_assert!(query(folder.path(), &clock(), words).code.is_ok());
        }
    }
}
