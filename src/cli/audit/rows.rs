//! Entries as comma-separated values (RFC 4180), one column per member. A cell that a spreadsheet
//! would take for a formula gets a `'` in front; `-o json` has the entries unchanged.

use std::io::{self, Write};

use super::Show;
use crate::audit::Recorded;
use crate::audit::query::Found;

const COLUMNS: [&str; 29] = [
    "receipt",
    "time",
    "event",
    "grantNamespace",
    "grantName",
    "grantSerial",
    "grantDigest",
    "requestNamespace",
    "requestName",
    "unitCode",
    "unitName",
    "system",
    "user",
    "case",
    "consent",
    "source",
    "resource",
    "operation",
    "parameters",
    "outcome",
    "code",
    "status",
    "fields",
    "items",
    "bytes",
    "digest",
    "upstreamStatus",
    "upstreamMicroseconds",
    "retain",
];

pub struct Rows<'a> {
    csv: csv::Writer<&'a mut dyn Write>,
    begun: bool,
}

impl<'a> Rows<'a> {
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { csv: csv::Writer::from_writer(out), begun: false }
    }

    fn begin(&mut self) -> io::Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        self.csv.write_record(COLUMNS).map_err(failed)
    }
}

impl Show for Rows<'_> {
    fn add(&mut self, found: &Found) -> io::Result<()> {
        self.begin()?;
        let cells = cells(found.entry()?).map(harmless);
        self.csv.write_record(cells).map_err(failed)
    }

    fn end(&mut self) -> io::Result<()> {
        self.begin()?;
        self.csv.flush()
    }
}

/// The writer's own error, of its own kind: by that a reader who has left is told from a fault.
pub(super) fn failed(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

fn cells(entry: Recorded) -> [String; COLUMNS.len()] {
    let receipt = entry.receipt();
    let parameters = entry.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
    let grant = entry.grant.map(|grant| [grant.namespace, grant.name, grant.serial, grant.digest]);
    let [grant_namespace, grant_name, serial, grant_digest] = grant.unwrap_or_default();
    let request = entry.request.map(|request| [request.namespace, request.name]);
    let [request_namespace, request_name] = request.unwrap_or_default();
    let [unit_code, unit_name] = entry.unit.map(|unit| [unit.code, unit.name]).unwrap_or_default();
    let number = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    let upstream = entry.upstream;
    [
        receipt,
        // microseconds always, as in the record: so texts are in the order of time
        format!("{:.6}", entry.time),
        entry.event.to_string(),
        grant_namespace,
        grant_name,
        serial,
        grant_digest,
        request_namespace,
        request_name,
        unit_code,
        unit_name,
        entry.system.unwrap_or_default(),
        entry.user.unwrap_or_default(),
        entry.case.unwrap_or_default(),
        entry.consent.unwrap_or_default(),
        entry.source.map_or_else(String::new, |source| source.to_string()),
        entry.resource.map_or_else(String::new, |resource| format!("{}/{}", resource.namespace, resource.name)),
        entry.operation.unwrap_or_default(),
        parameters.join("; "),
        entry.outcome.map_or_else(String::new, |outcome| outcome.to_string()),
        entry.code.unwrap_or_default(),
        number(entry.status.map(u64::from)),
        entry.fields.join(" "),
        number(entry.items),
        number(entry.bytes),
        entry.digest.unwrap_or_default(),
        number(upstream.and_then(|upstream| upstream.status).map(u64::from)),
        number(upstream.map(|upstream| upstream.microseconds)),
        entry.retain.map_or_else(String::new, |retain| retain.to_string()),
    ]
}

pub(super) fn harmless(cell: String) -> String {
    // spreadsheets skip spaces and line ends before they look for a formula
    let formula = cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    if formula || cell.starts_with(['\t', '\r', '\n']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text() {
        for (cell, safe) in [("=1+1", "'=1+1"), (" @SUM", "' @SUM"), ("\tx", "'\tx"), ("a=b", "a=b"), ("", "")] {
            assert_eq!(harmless(cell.to_owned()), safe);
        }
    }
}
