//! Alerts: each asks for metrics that there are, and leads to a section of the runbook that says what to do.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use datashare::audit::{Log, Options};
use datashare::clock::Clock;
use datashare::operator::metrics::Metrics;
use jiff::SignedDuration;
use serde_json::Value;

use super::{documents, text};
use crate::guard::upstream::Upstream;
use crate::guard::world::Plan;
use crate::inspection::scheduled::inspector;

const RULES: &str = "charts/datashare/alerts/rules.yaml";

fn alerts() -> Vec<Value> {
    let groups = documents(RULES).remove(0)["groups"].as_array().unwrap().clone();
    groups.into_iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

/// The names of metrics that an expression asks for.
fn metrics(expression: &str) -> BTreeSet<&str> {
    let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("datashare_")).collect()
}

/// Everything that is scraped: a guard's metrics after an inspection, and an operator's.
fn scraped() -> String {
    let upstream = Upstream::usual();
    let world = Plan::new(upstream.address).start();
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(crate::judge::world::now());
    let (log, _) = Log::open(folder.path(), &Options::default(), clock.clone()).unwrap();
    clock.advance(SignedDuration::from_mins(10));
    let mut inspector = inspector(folder.path(), &log, &clock, &Arc::new(AtomicBool::new(true)));
    inspector.figures = world.guard.inspections().clone();
    assert_eq!(inspector.look().len(), 1);
    world.guard.render_metrics() + &Metrics::default().render()
}

#[test]
fn every_alert_asks_for_metrics_that_there_are() {
    let scraped = scraped();
    let known: BTreeSet<&str> = scraped
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let alerts = alerts();
    assert!(alerts.len() >= 10);
    for alert in alerts {
        let asked = alert["expr"].as_str().unwrap();
        let names = metrics(asked);
        assert!(!names.is_empty(), "{asked}");
        let missing: Vec<_> = names.difference(&known).collect();
        assert!(missing.is_empty(), "{}: {missing:?} is in no metrics:\n{scraped}", alert["alert"]);
        assert!(["warning", "critical"].contains(&alert["labels"]["severity"].as_str().unwrap()));
    }
}

/// What the alert of this name asks.
fn expression(name: &str) -> String {
    let alert = alerts().into_iter().find(|alert| alert["alert"] == name);
    alert.unwrap_or_else(|| panic!("no alert {name}"))["expr"].as_str().unwrap().to_owned()
}

#[test]
fn what_a_site_chooses_is_asked_for_and_not_guessed() {
    for (alert, age, chosen) in [
        (
            "DatashareCheckpointOld",
            "datashare_guard_checkpoint_age_seconds",
            "datashare_guard_checkpoint_interval_seconds",
        ),
        ("DatashareViewStale", "datashare_guard_view_age_seconds", "datashare_guard_view_max_staleness_seconds"),
    ] {
        let asked = expression(alert);
        let at = |name: &str| asked.find(name).unwrap_or_else(|| panic!("{alert} does not ask for {name}: {asked}"));
        assert!(at(age) < asked.find('>').unwrap() && asked.find('>').unwrap() < at(chosen), "{asked}");
    }
    let told = scraped();
    // as the world of the test has them, which says nothing of either
    for line in ["datashare_guard_checkpoint_interval_seconds 1.0", "datashare_guard_view_max_staleness_seconds 30.0"] {
        assert!(told.lines().any(|there| there == line), "{line} is not in\n{told}");
    }
}

#[test]
fn what_is_not_there_is_told_too() {
    // a sum or a count of nothing is nothing, and nothing is never less than one
    for (alert, least) in [("DatashareNobodyLeads", "1"), ("DatashareGuardMissing", "GUARDS")] {
        let asked = expression(alert);
        let names = metrics(&asked);
        assert_eq!(names.len(), 1, "{asked}");
        let name = names.first().unwrap();
        let nothing = format!(" or absent({name}{{namespace=\"NAMESPACE\"}}) - 1) < {least}");
        assert!(asked.ends_with(&nothing), "{asked}");
    }
    let template = text("charts/datashare/templates/prometheusrule.yaml");
    for filled in ["replace \"NAMESPACE\" .Release.Namespace", "replace \"GUARDS\" (toString .Values.guard.replicas)"] {
        assert!(template.contains(filled), "{filled}");
    }
}

#[test]
fn a_guard_that_ended_is_told_by_the_next_one() {
    let asked = expression("DatashareGuardRestarted");
    assert!(asked.contains("changes(datashare_guard_start_time_seconds["), "{asked}");
    let told = scraped();
    let began = told.lines().find_map(|line| line.strip_prefix("datashare_guard_start_time_seconds "));
    let began: f64 = began.unwrap_or_else(|| panic!("{told}")).parse().unwrap();
    assert!(began > 1.0e9, "{began} is when it began");
    // the alert that its last counts would have raised does not claim them
    let runbook = text("charts/datashare/alerts/README.md");
    let (_, failed) = runbook.split_once("## DatashareRecordFailed\n").unwrap();
    let (failed, _) = failed.split_once("\n## ").unwrap();
    assert!(failed.contains("*DatashareGuardRestarted*") && failed.contains("*DatashareGuardMissing*"), "{failed}");
}

#[test]
fn every_alert_leads_to_its_section_of_the_runbook_and_every_section_has_its_alert() {
    let runbook = text("charts/datashare/alerts/README.md");
    let sections: Vec<(&str, &str)> =
        runbook.split("\n## ").skip(1).map(|section| section.split_once('\n').unwrap()).collect();
    let mut named = BTreeSet::new();
    for alert in alerts() {
        let name = alert["alert"].as_str().unwrap();
        let link = alert["annotations"]["runbook_url"].as_str().unwrap();
        assert_eq!(link, format!("RUNBOOK#{}", name.to_lowercase()));
        let (_, body) =
            sections.iter().find(|(title, _)| *title == name).unwrap_or_else(|| panic!("no section {name}"));
        assert!(body.contains("1. ") || body.contains("* "), "{name} says nothing to do");
        for member in ["summary", "description"] {
            assert!(alert["annotations"][member].as_str().is_some_and(|text| text.len() > 20), "{name}: {member}");
        }
        named.insert(name.to_owned());
    }
    let titles: BTreeSet<String> = sections.iter().map(|(title, _)| (*title).to_owned()).collect();
    assert_eq!(titles, named);
    // metrics that a section names are there too
    let template = text("charts/datashare/templates/prometheusrule.yaml");
    assert!(template.contains("alerts/rules.yaml") && template.contains("prometheusRule.enabled"));
}
