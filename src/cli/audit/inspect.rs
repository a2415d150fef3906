//! `datashare audit inspect`: an inspection on demand, or an earlier one once more with its seed. It only
//! looks: it suspends nobody and writes nothing; the scheduled ones of `datashare up` do.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use unicode_width::UnicodeWidthStr;

use super::cluster::ClusterArgs;
use super::rows::{failed, harmless};
use super::subject::Subject;
use super::when::{self, Edge};
use super::{AuditError, Output, plain, there};
use crate::api::v1alpha1::AuditPolicySpec;
use crate::audit::Onward;
use crate::audit::inspection::{Beside, Facts, Finding, Inspected, Order, SAMPLE, Seed};
use crate::cli::world::World;
use crate::guard::inspecting;
use crate::judge::facts::Key;

/// Check the record against what was approved
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  datashare audit inspect                                     since the last scheduled inspection of each policy
  datashare audit inspect --policy jinan-registration/default --since 30d -o csv
  kubectl datashare audit inspect                             over the record of all guards of a cluster
  datashare audit inspect --seed 00112233445566778899aabbccddeeff --since … --until …   draw once more

Exit codes: 0 nothing found, 1 findings, 2 usage or unreadable input.")]
pub struct InspectArgs {
    /// The state directory of `datashare up`; absent: .datashare
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Only by this policy; without it, by every one
    #[arg(long, value_name = "[NAMESPACE/]NAME")]
    policy: Option<String>,
    /// Entries later than this; without it, than the last scheduled inspection
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Entries up to then; without it, up to now
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Entries drawn; without it, as many as the policy says
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// Draw with this seed, as the entry of an inspection names it
    #[arg(long, value_name = "HEX")]
    seed: Option<Seed>,
    /// json has the sample too; csv has one line for each finding
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Output,
}

/// Runs the command; the exit code is 1 when something is found.
pub(super) fn run(
    args: &InspectArgs,
    as_plugin: bool,
    now: Timestamp,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<u8, AuditError> {
    let subject = Subject::find(args.state.as_deref(), &args.cluster, as_plugin, now, messages)?;
    let Some(Subject { log, world, orders, .. }) = &subject else { return Ok(1) };
    let past = inspecting::past(log)?;
    let mut all = Vec::new();
    let policies = orders.policies();
    if let Some(wanted) = &args.policy
        && !policies.keys().any(|key| is_meant(Some(wanted), key))
    {
        return Err(AuditError::NoPolicy { wanted: wanted.clone(), there: there(policies.keys()) });
    }
    for (key, policy) in policies.iter().filter(|(key, _)| is_meant(args.policy.as_deref(), key)) {
        let past = past.get(key).filter(|_| args.since.is_none());
        let since = past.map(|past| past.inspected_until(now));
        let Some(order) = order(args, world, key, policy, since, now)? else { continue };
        let next = past.filter(|_| args.until.is_none()).and_then(|past| Some((past.stream.clone(), past.next?)));
        let onward = next.map(|(stream, index)| Onward { stream, index });
        let max_staleness = Some(world.settings.max_staleness);
        let beside = Beside { onward, max_staleness, ..inspecting::beside(log, orders, now)? };
        let facts = Facts::gather(&world.index, key, beside, now);
        all.push(inspecting::read(log, &order, &facts, &|| false)?);
    }
    if all.is_empty() {
        return Err(AuditError::NoInspection(there(policies.keys())));
    }
    match args.output {
        Output::Json => {
            serde_json::to_writer_pretty(&mut *out, &all).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        Output::Csv => csv(&all, out)?,
        Output::Table => table(&all, out, messages)?,
    }
    out.flush()?;
    Ok(u8::from(all.iter().any(|inspected| !inspected.pass)))
}

fn is_meant(wanted: Option<&str>, key: &Key) -> bool {
    wanted.is_none_or(|wanted| match wanted.split_once('/') {
        Some((namespace, name)) => *key.namespace == *namespace && *key.name == *name,
        None => *key.name == *wanted,
    })
}

fn order(
    args: &InspectArgs,
    world: &World,
    key: &Key,
    policy: &AuditPolicySpec,
    last: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Order>, AuditError> {
    let asked = policy.inspection.as_ref();
    if asked.is_none() && args.policy.is_none() {
        return Ok(None);
    }
    let site = &world.settings.time_zone;
    let zone = asked.and_then(|asked| asked.time_zone.as_deref()).and_then(|name| TimeZone::get(name).ok());
    let zone = zone.unwrap_or_else(|| site.clone());
    let time = |option, text: &Option<String>, edge| {
        let time = text.as_deref().map(|text| when::parse(text, edge, &zone, now));
        time.transpose().map_err(|source| AuditError::Time { option, source })
    };
    // an entry of the very moment belongs to what was asked for
    let since = time("since", &args.since, Edge::Begin)?
        .map(|since| since.checked_sub(SignedDuration::from_micros(1)).unwrap_or(Timestamp::MIN));
    let sample = asked.and_then(|asked| asked.sample).and_then(|n| usize::try_from(n).ok());
    Ok(Some(Order {
        policy: key.clone(),
        from: since.or(last).unwrap_or(Timestamp::MIN),
        until: time("until", &args.until, Edge::End)?.unwrap_or(now).min(now),
        now,
        seed: match args.seed {
            Some(seed) => seed,
            None => Seed::draw()?,
        },
        sample: args.sample.or(sample).unwrap_or(SAMPLE),
        checks: Order::checks(asked.and_then(|asked| asked.checks.as_ref())),
        zone,
    }))
}

const COLUMNS: [&str; 11] =
    ["policy", "check", "effect", "clause", "serial", "grant", "resource", "user", "count", "receipts", "message"];

fn cells(inspected: &Inspected, finding: &Finding) -> [String; COLUMNS.len()] {
    let grant = finding.grant.as_ref();
    [
        inspected.policy.clone(),
        finding.check.as_str().to_owned(),
        format!("{:?}", finding.effect),
        finding.clause.to_owned(),
        grant.map(|grant| grant.serial.clone()).unwrap_or_default(),
        grant.map(|grant| format!("{}/{}", grant.namespace, grant.name)).unwrap_or_default(),
        finding.resource.clone().unwrap_or_default(),
        finding.user.clone().unwrap_or_default(),
        finding.count.to_string(),
        finding.receipts.join(" "),
        finding.message.en.clone(),
    ]
}

fn csv(all: &[Inspected], out: &mut dyn Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(COLUMNS).map_err(failed)?;
    for (inspected, finding) in all.iter().flat_map(|one| one.findings.iter().map(move |finding| (one, finding))) {
        rows.write_record(cells(inspected, finding).map(harmless)).map_err(failed)?;
    }
    rows.flush()
}

fn table(all: &[Inspected], out: &mut dyn Write, messages: &mut dyn Write) -> io::Result<()> {
    let shown = ["CHECK", "EFFECT", "CLAUSE", "SERIAL", "USER", "COUNT", "RECEIPTS", "MESSAGE"];
    let mut rows = vec![shown.map(str::to_owned)];
    for (inspected, finding) in all.iter().flat_map(|one| one.findings.iter().map(move |finding| (one, finding))) {
        let [_, check, effect, clause, serial, _, _, user, count, _, message] = cells(inspected, finding);
        let mut receipts = finding.receipts.iter().take(3).cloned().collect::<Vec<_>>().join(" ");
        if finding.receipts.len() > 3 {
            receipts.push_str(" …");
        }
        let row = [check, effect, clause, serial, user, count, receipts, message];
        rows.push(row.map(|cell| if cell.is_empty() { "-".to_owned() } else { plain(&cell) }));
    }
    if rows.len() > 1 {
        let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
        let widths: Vec<usize> = (0..shown.len()).map(|column| width(column).unwrap_or(0)).collect();
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
            }
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    for one in all {
        let more = if one.left_out > 0 { format!(" and {} more", one.left_out) } else { String::new() };
        let (policy, entries, drawn, findings) = (&one.policy, one.entries, one.sample.len(), one.findings.len());
        writeln!(
            messages,
            "{policy}: {entries} entries, {drawn} drawn with seed {}; {findings} findings{more}",
            one.seed
        )?;
    }
    Ok(())
}
