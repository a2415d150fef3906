//! The table: the printer columns of the `CustomResourceDefinition`, so that `get` and `kubectl get`
//! show the same.

use jiff::Timestamp;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceColumnDefinition as Column;
use kube::CustomResourceExt;
use serde_json::Value;

use super::{jsonpath, list};
use crate::api::v1alpha1::{AccessGrant, AuditPolicy, DataShareRequest, Kind, Revocation, SharedResource};
use crate::cli::columns;

pub(super) fn draw(kind: Kind, items: &[Value], namespaces: bool, wide: bool, now: Timestamp) -> String {
    let shown: Vec<Column> =
        printer_columns(kind).into_iter().filter(|c| wide || c.priority.unwrap_or(0) == 0).collect();
    let first = ["NAMESPACE", "NAME"].into_iter().skip(usize::from(!namespaces));
    let headings: Vec<String> = first.map(str::to_owned).chain(shown.iter().map(|c| c.name.to_uppercase())).collect();
    let row = |item: &Value| {
        let first = [list::namespace(item), list::name(item)].into_iter().skip(usize::from(!namespaces));
        first.map(str::to_owned).chain(shown.iter().map(|column| cell(column, item, now))).collect()
    };
    columns::draw(&headings, &items.iter().map(row).collect::<Vec<_>>())
}

fn printer_columns(kind: Kind) -> Vec<Column> {
    let crd = match kind {
        Kind::SharedResource => SharedResource::crd(),
        Kind::DataShareRequest => DataShareRequest::crd(),
        Kind::AccessGrant => AccessGrant::crd(),
        Kind::AuditPolicy => AuditPolicy::crd(),
        Kind::Revocation => Revocation::crd(),
    };
    crd.spec.versions.into_iter().filter_map(|version| version.additional_printer_columns).flatten().collect()
}

/// As kubectl fills a cell: several results side by side, lists as JSON, dates as ages.
fn cell(column: &Column, item: &Value, now: Timestamp) -> String {
    let found = jsonpath::find(&column.json_path, item);
    let texts: Vec<String> = found.into_iter().map(text).collect();
    let joined = texts.join(" ");
    if column.type_ != "date" {
        return joined;
    }
    joined.parse::<Timestamp>().map_or(joined, |since| age(now.duration_since(since).as_secs()))
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn age(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..120 => format!("{s}s"),
        s @ 120..7_200 => format!("{}m", s / 60),
        s @ 7_200..172_800 => format!("{}h", s / 3_600),
        s => format!("{}d", s / 86_400),
    }
}
