//! `datashare audit verify`: whether the record is whole, and where it is not.

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::json;

use super::cluster::ClusterArgs;
use super::places::{self, Found, Named};
use super::progress::Progress;
use super::table::plain;
use super::{AuditError, Output};
use crate::audit::checkpoint::{CHECKPOINT, Signed};
use crate::audit::keys::{self, KEYS};
use crate::audit::note::VerifyingKey;
use crate::audit::verify::{self, Finding, Kind, Known, Place, Seen, Verdict, Witness};
use crate::cli::columns;
use crate::clock::Clock;

/// Checkpoints and keys are no larger.
const LARGEST: u64 = 1 << 20;

/// Which record, and what is known of it from elsewhere.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The state directory that holds the record; absent: .datashare
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// An archive of the record, verified too; the state directory need not be there then
    #[arg(long, value_name = "URL")]
    archive: Vec<String>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Only this stream
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,
    /// Where the first key and the newest checkpoint of every stream are remembered from one run to the next; absent:
    /// datashare/seen in $XDG_STATE_HOME or ~/.local/state
    #[arg(long, value_name = "DIR")]
    seen: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere, such as the one in a guard's Lease (- reads it from standard input)
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The public keys with which streams may begin, one a line
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Entries that no checkpoint covers yet are a fault as well
    #[arg(long)]
    strict: bool,
    /// The time zone of times in the table
    #[arg(long, value_name = "ZONE", default_value = "Asia/Shanghai")]
    time_zone: String,
    /// How the result is written
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Output,
}

struct Judged {
    place: String,
    verdict: Verdict,
}

impl Judged {
    /// Of a stream that is not there.
    fn missing(place: &str, origin: &str, says: String) -> Self {
        let file = name_in(origin).to_owned();
        let findings = vec![Finding { kind: Kind::Removed, file: file.clone(), line: None, entries: None, says }];
        let verdict = Verdict { stream: file, origin: Some(origin.to_owned()), findings, ..Verdict::default() };
        Self { place: place.to_owned(), verdict }
    }
}

/// The stream's name, as it stands in its origin.
fn name_in(origin: &str) -> &str {
    origin.rsplit_once('/').map_or("", |(_, stream)| stream)
}

/// Runs the command; 0 only if all is well, 1 if not.
pub fn run(
    args: &VerifyArgs,
    as_plugin: bool,
    clock: &Clock,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<u8, AuditError> {
    let zone =
        TimeZone::get(&args.time_zone).map_err(|source| AuditError::Zone { zone: args.time_zone.clone(), source })?;
    let mut witnesses = args.checkpoint.iter().map(|path| read_checkpoint(path)).collect::<Result<Vec<_>, _>>()?;
    let (state, only) = (args.state.as_deref(), args.stream.as_deref());
    let found = places::find(state, &args.archive, &args.cluster, as_plugin, only, messages)?;
    let Some(Found { local, archives, published, .. }) = &found else { return Ok(1) };
    witnesses.extend(published.witnesses.iter().cloned());
    let keys = args.keys.as_deref().map(read_keys).transpose()?;
    let folder = args.seen.clone().or_else(default_seen).ok_or(AuditError::NoSeen)?;
    let (keys, first_keys, now) = (keys.as_deref(), published.first_keys.as_slice(), clock.now());
    let mut results = Vec::new();
    // an archive lags behind: it bears witness for what lies here, and not the other way round
    for archive in archives {
        let seen = Seen::new(folder.join("archive"));
        let known = Known { keys, first_keys, witnesses: &witnesses, seen: Some(&seen), now };
        verify(args, archive, &seen, &known, &mut results)?;
    }
    for archive in archives {
        witnesses.extend(newest(archive)?);
    }
    if let Some(local) = local {
        let seen = Seen::new(folder);
        let known = Known { keys, first_keys, witnesses: &witnesses, seen: Some(&seen), now };
        verify(args, local, &seen, &known, &mut results)?;
    }
    results.extend(args.missing(&witnesses, &results));
    if results.is_empty() {
        let places = local.iter().chain(archives).map(|place| place.name.as_str()).collect::<Vec<_>>();
        return Err(AuditError::NothingThere(places.join(", ")));
    }
    let fine = results.iter().all(|result| is_fine(&result.verdict, args.strict));
    match args.output {
        Output::Table => table(&results, &zone, args.strict, out, messages)?,
        Output::Json => as_json(&results, fine, out)?,
        Output::Csv => as_csv(&results, args.strict, out)?,
    }
    Ok(u8::from(!fine))
}

impl VerifyArgs {
    /// Streams of which somebody kept a checkpoint, and of which nothing is there.
    fn missing(&self, witnesses: &[Witness], results: &[Judged]) -> Vec<Judged> {
        let mut missing = Vec::new();
        // those of the command line come first
        for Witness { from, signed } in witnesses.iter().take(self.checkpoint.len()) {
            let origin = signed.checkpoint.origin.as_str();
            let stream = name_in(origin);
            let is_asked = self.stream.as_ref().is_none_or(|wanted| *wanted == stream);
            if is_asked && !results.iter().any(|result| result.verdict.stream == stream) {
                let number = signed.checkpoint.number;
                let says = format!("nothing is there of the stream of which {from} has checkpoint {number}");
                missing.push(Judged::missing(from, origin, says));
            }
        }
        missing
    }
}

/// Whether there is something of the stream.
fn holds_something(place: &Named, stream: &str) -> io::Result<bool> {
    Ok(place.read(stream, KEYS)?.is_some() || !place.pieces(stream)?.is_empty())
}

fn is_fine(verdict: &Verdict, strict: bool) -> bool {
    verdict.findings.is_empty() && (!strict || verdict.unproven() == 0)
}

/// Verifies the streams of one place, and remembers those that hold.
fn verify(
    args: &VerifyArgs,
    place: &Named,
    seen: &Seen,
    known: &Known<'_>,
    results: &mut Vec<Judged>,
) -> Result<(), AuditError> {
    let failed = |source| AuditError::Read { place: place.name.clone(), source };
    let mut streams = place.streams().map_err(failed)?;
    streams.retain(|stream| args.stream.as_ref().is_none_or(|wanted| wanted == stream));
    for stream in std::mem::take(&mut streams) {
        if holds_something(place, &stream).map_err(failed)? {
            streams.push(stream);
        }
    }
    if streams.is_empty() && args.stream.is_some() {
        return Err(AuditError::NoStream {
            place: place.name.clone(),
            stream: args.stream.clone().unwrap_or_default(),
        });
    }
    let mut bytes = 0;
    for stream in &streams {
        bytes += place.pieces(stream).map_err(failed)?.iter().map(|piece| piece.bytes).sum::<u64>();
    }
    let progress = Progress::new(bytes);
    for stream in &streams {
        let verdict = verify::verify(place, stream, known, &|more| progress.step(more)).map_err(failed)?;
        if let (true, Some(key), Some(newest)) = (verdict.findings.is_empty(), &verdict.first_key, &verdict.newest) {
            seen.remember(key, &place.name, newest)?;
        }
        results.push(Judged { place: place.name.clone(), verdict });
    }
    progress.end();
    if args.stream.is_none() {
        for gone in seen.all()?.into_iter().filter(|seen| seen.place == place.name) {
            let stream = name_in(gone.key.name());
            if !streams.iter().any(|there| there == stream) && !args.cluster.lacks(stream) {
                let says = format!(
                    "the whole stream is missing; checkpoint {} of it was seen here ({})",
                    gone.signed.checkpoint.number,
                    gone.path.display()
                );
                results.push(Judged::missing(&place.name, gone.key.name(), says));
            }
        }
    }
    Ok(())
}

/// The newest checkpoints of a place, as witnesses.
fn newest(place: &Named) -> Result<Vec<Witness>, AuditError> {
    let failed = |source| AuditError::Read { place: place.name.clone(), source };
    let mut all = Vec::new();
    for stream in place.streams().map_err(failed)? {
        let text = place.read(&stream, CHECKPOINT).map_err(failed)?.unwrap_or_default();
        // one that cannot be read is a finding of that place
        let signed = std::str::from_utf8(&text).ok().and_then(|text| Signed::parse(text).ok());
        all.extend(signed.map(|signed| Witness { from: place.name.clone(), signed }));
    }
    Ok(all)
}

pub(super) fn read_keys(path: &Path) -> Result<Vec<VerifyingKey>, AuditError> {
    let read = keys::read(path).map_err(AuditError::Keys)?;
    read.ok_or_else(|| AuditError::Read { place: path.display().to_string(), source: io::ErrorKind::NotFound.into() })
}

fn read_checkpoint(path: &Path) -> Result<Witness, AuditError> {
    let from = path.display().to_string();
    let mut text = String::new();
    let read = if from == "-" {
        io::stdin().lock().take(LARGEST).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text))
    };
    read.map_err(|source| AuditError::Read { place: from.clone(), source })?;
    let signed = Signed::parse(&text).map_err(|source| AuditError::Checkpoint { path: from.clone(), source })?;
    Ok(Witness { from, signed })
}

fn default_seen() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("datashare/seen"))
}

fn word(verdict: &Verdict, strict: bool) -> String {
    match verdict.findings.first() {
        Some(finding) => finding.kind.to_string(),
        None if strict && verdict.unproven() > 0 => "not yet proven".to_owned(),
        None if verdict.newest.is_none() => "nothing signed yet".to_owned(),
        None => "ok".to_owned(),
    }
}

fn table(
    results: &[Judged],
    zone: &TimeZone,
    strict: bool,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> io::Result<()> {
    let headings = ["STREAM", "ENTRIES", "SIGNED", "REMOVED", "CHECKPOINTS", "NEWEST", "RESULT"].map(str::to_owned);
    let mut places: Vec<&str> = results.iter().map(|result| result.place.as_str()).collect();
    places.dedup();
    for place in &places {
        if places.len() > 1 {
            writeln!(out, "{}", plain(place))?;
        }
        let here = results.iter().filter(|result| result.place == *place).map(|result| &result.verdict);
        let rows: Vec<_> = here.clone().map(|verdict| row(verdict, zone, strict)).collect();
        out.write_all(columns::draw(&headings, &rows).as_bytes())?;
        for verdict in here {
            for finding in &verdict.findings {
                writeln!(out, "{}", plain(&finding.to_string()))?;
            }
            for remark in &verdict.remarks {
                writeln!(messages, "{}: {}", verdict.stream, plain(remark))?;
            }
            if verdict.unproven() > 0 && verdict.findings.is_empty() {
                let said = "newer than the newest checkpoint, so not yet proven";
                writeln!(
                    messages,
                    "{}: entries {} to {} are {said}",
                    verdict.stream,
                    verdict.signed,
                    verdict.entries - 1
                )?;
            }
        }
    }
    out.flush()
}

fn row(verdict: &Verdict, zone: &TimeZone, strict: bool) -> Vec<String> {
    let newest = verdict.newest.as_ref().map_or_else(
        || "-".to_owned(),
        |newest| newest.checkpoint.time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%:z").to_string(),
    );
    let numbers =
        [verdict.entries, verdict.signed, verdict.removed, verdict.checkpoints].map(|number| number.to_string());
    let [entries, signed, removed, checkpoints] = numbers;
    vec![verdict.stream.clone(), entries, signed, removed, checkpoints, newest, word(verdict, strict)]
}

fn as_json(results: &[Judged], fine: bool, out: &mut dyn Write) -> io::Result<()> {
    let stream = |result: &Judged| {
        let verdict = &result.verdict;
        let newest = verdict.newest.as_ref().map(|newest| {
            let newest = &newest.checkpoint;
            json!({"number": newest.number, "size": newest.size, "time": newest.time.to_string()})
        });
        json!({
            "place": result.place,
            "stream": verdict.stream,
            "origin": verdict.origin,
            "entries": verdict.entries,
            "signed": verdict.signed,
            "unproven": verdict.unproven(),
            "removed": verdict.removed,
            "checkpoints": verdict.checkpoints,
            "newest": newest,
            "findings": verdict.findings,
            "remarks": verdict.remarks,
        })
    };
    let all = json!({"ok": fine, "streams": results.iter().map(stream).collect::<Vec<_>>()});
    serde_json::to_writer_pretty(&mut *out, &all)?;
    writeln!(out)?;
    out.flush()
}

fn as_csv(results: &[Judged], strict: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
        "place",
        "stream",
        "entries",
        "signed",
        "removed",
        "checkpoints",
        "newest",
        "result",
        "file",
        "line",
        "fromEntry",
        "toEntry",
        "says",
    ])?;
    for result in results {
        let verdict = &result.verdict;
        let mut cells = vec![result.place.clone()];
        cells.extend(row(verdict, &TimeZone::UTC, strict));
        let first = verdict.findings.first();
        let text = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
        cells.extend([
            first.map(|finding| finding.file.clone()).unwrap_or_default(),
            text(first.and_then(|finding| finding.line)),
            text(first.and_then(|finding| finding.entries).map(|entries| entries.0)),
            text(first.and_then(|finding| finding.entries).map(|entries| entries.1)),
            first.map(|finding| finding.says.clone()).unwrap_or_default(),
        ]);
        csv.write_record(cells.into_iter().map(super::rows::harmless))?;
    }
    csv.flush()
}
