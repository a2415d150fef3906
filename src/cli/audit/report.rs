//! `datashare audit report`: the month's page, as one file.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::AuditError;
use super::cluster::ClusterArgs;
use super::subject::Subject;
use crate::api::v1alpha1::AuditPolicySpec;
use crate::api::v1alpha1::audit_policy::{Check, Effect};
use crate::audit::inspection::{Beside, Facts, Order, SAMPLE, Seed};
use crate::audit::query;
use crate::audit::report::{Expiring, Kept, Lang, Month, Page, StreamState, render};
use crate::audit::{Filter, stream_names};
use crate::cli::world::World;
use crate::guard::inspecting::{self, Orders};
use crate::judge::facts::Key;
use crate::judge::index::Standing;

/// Grants that end within so many days end soon.
const SOON: i64 = 60;

/// The month as one page: pictures of use, refusals, what is unusual, overdue or due soon
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  datashare audit report --month 2026-11 -o 2026-11.html
  datashare audit report --month 2026-11 --lang en > november.html
  kubectl datashare audit report --month 2026-11 -o 2026-11.html    of all guards of a cluster

The page needs no network and loads nothing; it reads well on a phone and in print.")]
pub struct ReportArgs {
    /// The state directory of `datashare up`; absent: .datashare
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Which month
    #[arg(long, value_name = "YYYY-MM")]
    month: String,
    /// Where the page is written; without it, to stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The page's language
    #[arg(long, value_name = "LANG", default_value = "zh")]
    lang: Tongue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tongue {
    Zh,
    En,
}

/// A text that is no month.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--month: `{0}` is no month: write it as 2026-11")]
pub struct BadMonth(String);

/// Runs the command.
pub(super) fn run(
    args: &ReportArgs,
    as_plugin: bool,
    now: Timestamp,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<u8, AuditError> {
    let first = month(&args.month)?;
    let subject = Subject::find(args.state.as_deref(), &args.cluster, as_plugin, now, messages)?;
    let Some(Subject { log, world, orders, .. }) = &subject else { return Ok(1) };
    let bad = || BadMonth(args.month.clone());
    let mut month = Month::new(first, world.settings.time_zone.clone()).ok_or_else(bad)?;
    let filter = Filter { since: Some(month.from), until: Some(month.to), ..Filter::default() };
    let summary = query::run(log, &filter, None, &mut |found| {
        month.add(&found.entry()?);
        Ok(())
    })?;
    month.unreadable = summary.unreadable;
    // no witnesses: nothing but the record itself is here
    let faults = inspecting::faults(log, &[], now, &|| false)?;
    let mut found = Vec::new();
    for (key, policy) in orders.policies() {
        let order = Order {
            policy: key.clone(),
            from: month.from.checked_sub(SignedDuration::from_micros(1)).unwrap_or(Timestamp::MIN),
            until: month.to.checked_sub(SignedDuration::from_micros(1)).unwrap_or(Timestamp::MAX).min(now),
            now,
            // nothing of the draw is on the page
            seed: Seed::new([0; 16]),
            sample: SAMPLE,
            checks: checks(&policy),
            zone: zone(&policy, &month.zone),
        };
        let beside = Beside {
            faults: Some(faults.clone()),
            max_staleness: Some(world.settings.max_staleness),
            ..inspecting::beside(log, orders, now)?
        };
        let facts = Facts::gather(&world.index, &key, beside, now);
        found.push(inspecting::read(log, &order, &facts, &|| false)?);
    }
    let page = render(&Page {
        site: world.settings.site.as_str(),
        lang: if args.lang == Tongue::En { Lang::En } else { Lang::Zh },
        now,
        month: &month,
        found: &found,
        faults: &faults,
        expiring: &expiring(world, now),
        kept: &kept(orders),
        streams: &streams(log)?,
        oldest: query::oldest(log)?,
    });
    match &args.output {
        Some(path) => {
            write(path, &page)?;
            writeln!(messages, "{}", path.display())?;
        }
        None => out.write_all(page.as_bytes())?,
    }
    out.flush()?;
    Ok(0)
}

fn month(text: &str) -> Result<Date, BadMonth> {
    let shape = text.len() == 7 && text.is_ascii() && text.as_bytes().get(4) == Some(&b'-');
    let first = shape.then(|| format!("{text}-01").parse::<Date>().ok()).flatten();
    first.ok_or_else(|| BadMonth(text.to_owned()))
}

/// A page suspends nobody, and looks for everything whatever the policy asks for.
fn checks(policy: &AuditPolicySpec) -> std::collections::BTreeMap<Check, Effect> {
    let mut checks = Order::checks(None);
    let asked = policy.inspection.as_ref().and_then(|asked| asked.checks.clone()).unwrap_or_default();
    checks.extend(asked);
    checks
}

/// Whose hours are the office's: as the policy's own inspections have it.
fn zone(policy: &AuditPolicySpec, site: &TimeZone) -> TimeZone {
    let name = policy.inspection.as_ref().and_then(|asked| asked.time_zone.as_deref());
    name.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(|| site.clone())
}

fn expiring(world: &World, now: Timestamp) -> Vec<Expiring> {
    let until = now.to_zoned(world.settings.time_zone.clone()).checked_add(SOON.days());
    let until = until.map_or(Timestamp::MAX, |until| until.timestamp());
    let serves = |key: &Key| world.index.standing(key, now) == Some(Standing::Serves);
    let soon = world.index.grants().filter(|grant| grant.not_after <= until && serves(&grant.key));
    let mut all: Vec<Expiring> = soon
        .map(|grant| Expiring {
            serial: grant.serial.to_string(),
            unit: world.index.request(&grant.request).map_or_else(String::new, |request| request.unit.name.to_string()),
            resource: format!("{}/{}", grant.key.namespace, grant.resource),
            ends: grant.not_after,
        })
        .collect();
    all.sort_by(|a, b| a.ends.cmp(&b.ends).then(a.serial.cmp(&b.serial)));
    all
}

fn kept(orders: &Orders) -> Vec<Kept> {
    let all = orders.policies().into_iter().map(|(key, policy)| Kept {
        policy: key.to_string(),
        period: policy.retention.period.clone(),
        personal: policy.retention.personal.clone(),
        archive: policy.archive.as_ref().map(|archive| archive.url.clone()),
    });
    all.collect()
}

/// What lies on disk of each stream.
fn streams(log: &Path) -> Result<Vec<StreamState>, AuditError> {
    let mut all = Vec::new();
    let failed = |source| AuditError::Read { place: log.display().to_string(), source };
    for name in stream_names(log).map_err(failed)? {
        let (mut segments, mut bytes) = (0, 0);
        for file in fs::read_dir(log.join(&name).join("entries")).into_iter().flatten().flatten() {
            segments += 1;
            bytes += file.metadata().map_or(0, |file| file.len());
        }
        all.push(StreamState { name, segments, bytes });
    }
    Ok(all)
}

/// A file is written beside its place first, so that nobody reads half a page. A link stays, and leads to it; a device or
/// a pipe is what the page is written to, not what it replaces.
fn write(path: &Path, page: &str) -> io::Result<()> {
    let place = match fs::canonicalize(path) {
        Ok(place) if place.is_file() => place,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => path.to_owned(),
        _ => return fs::write(path, page),
    };
    let draft = place.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&draft, page).and_then(|()| fs::rename(&draft, &place)).inspect_err(|_| {
        let _ = fs::remove_file(&draft);
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::{FileTypeExt, symlink};
    use std::process::Command;

    use super::*;

    #[test]
    fn a_page_replaces_files_and_neither_links_nor_pipes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("old.html"), "old").unwrap();
        symlink("old.html", at("link")).unwrap();
        symlink("to-come.html", at("ahead")).unwrap();
        for (name, file) in [("old.html", "old.html"), ("link", "old.html"), ("ahead", "to-come.html"), ("new", "new")]
        {
            write(&at(name), name).unwrap();
            assert_eq!(fs::read_to_string(at(file)).unwrap(), name);
        }
        assert!(at("link").is_symlink() && at("ahead").is_symlink());

        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        symlink("pipe", at("to-pipe")).unwrap();
        // open both ways, so that nobody waits for the other end
        let mut pipe = fs::OpenOptions::new().read(true).write(true).open(at("pipe")).unwrap();
        for name in ["pipe", "to-pipe"] {
            write(&at(name), "page").unwrap();
            assert!(fs::metadata(at(name)).unwrap().file_type().is_fifo(), "{name}");
            let mut read = [0; 4];
            pipe.read_exact(&mut read).unwrap();
            assert_eq!(&read, b"page");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 7, "no draft stays");
    }

    #[test]
    fn a_month_is_written_in_one_way() {
        assert_eq!(month("2026-11").unwrap().to_string(), "2026-11-01");
        for text in ["", "2026-13", "2026-1", "2026-11-01", "11-2026", "２026-11", "2026/11"] {
            assert!(month(text).is_err(), "{text}");
        }
    }
}
