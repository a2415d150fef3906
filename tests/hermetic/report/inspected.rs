//! What the page says of inspections, and of the record itself.

use std::fs;

use datashare::api::v1alpha1::audit_policy::{Check, Effect};
use datashare::audit::{Log, inspection};
use jiff::{SignedDuration, Timestamp};

use super::{Caller, Site, call};

fn finding(message: inspection::Said, receipt: &str) -> inspection::Finding {
    inspection::Finding {
        check: Check::BulkHarvest,
        effect: Effect::Suspend,
        clause: "B4",
        grant: None,
        resource: None,
        user: Some("p-1".to_owned()),
        receipts: vec![receipt.to_owned()],
        count: 1,
        message,
    }
}

/// Records an inspection of the time since `from`, one hour later.
fn inspect(site: &Site, log: &Log, from: Timestamp, seed: u8, findings: Vec<inspection::Finding>) {
    let inspected = inspection::Inspected {
        policy: "jinan-registration/default".to_owned(),
        from,
        until: site.clock.now(),
        time: site.clock.now(),
        seed: inspection::Seed::new([seed; 16]),
        entries: 12,
        sample: Vec::new(),
        pass: findings.is_empty(),
        findings,
        left_out: 0,
        next: None,
    };
    inspection::record(log, &inspected, 5, jiff::civil::date(2029, 1, 1)).unwrap();
}

/// The section of this name.
fn section<'p>(page: &'p str, name: &str) -> &'p str {
    let (_, section) = page.split_once(&format!("id=\"{name}\"")).unwrap_or_else(|| panic!("no {name}: {page}"));
    section.split_once("</section>").unwrap().0
}

#[test]
fn findings_in_the_record_are_on_the_page_of_their_month() {
    let site = Site::new();
    let (log, from) = (site.log(), site.clock.now());
    site.clock.advance(SignedDuration::from_hours(1));
    let said = inspection::Said::new("seen <b>twice</b>", "见到 <b>两次</b>");
    inspect(&site, &log, from, 3, vec![finding(said, "guard-0/7")]);
    log.close().unwrap();
    let page = site.page(&[]);
    for there in ["见到 &lt;b&gt;两次&lt;/b&gt;", "guard-0/7", "03030303030303030303030303030303", "，已暂停"] {
        assert!(page.contains(there), "{there}");
    }
}

#[test]
fn an_inspection_with_many_findings_hides_neither_itself_nor_the_next_one() {
    let site = Site::new();
    let (log, from) = (site.log(), site.clock.now());
    site.clock.advance(SignedDuration::from_hours(1));
    let many =
        (0..520).map(|n| finding(inspection::Said::new(format!("finding {n}"), format!("发现 {n}")), "guard-0/7"));
    inspect(&site, &log, from, 3, many.collect());
    let from = site.clock.now();
    site.clock.advance(SignedDuration::from_hours(1));
    inspect(&site, &log, from, 4, Vec::new());
    log.close().unwrap();
    let page = site.page(&["--lang", "en"]);
    let told = section(&page, "inspections");
    assert!(!told.contains("None was done"), "{told}");
    for there in ["520 findings", "finding 0", "and 20 more", "0 findings", &"03".repeat(16), &"04".repeat(16)] {
        assert!(told.contains(there), "{there}");
    }
    assert!(told.contains("datashare audit query --event inspection --since 2026-11-01"), "the rest");
}

#[test]
fn each_guard_has_found_what_it_found_and_not_what_another_did() {
    let site = Site::new();
    let from = site.clock.now();
    site.clock.advance(SignedDuration::from_hours(1));
    // at the same time, as they do by the same schedule
    for guard in 0..2_u8 {
        let log = site.stream(&format!("guard-{guard}"));
        let said = inspection::Said::new(format!("seen by {guard}"), "见到");
        inspect(&site, &log, from, guard, vec![finding(said, &format!("guard-{guard}/9"))]);
        log.close().unwrap();
    }
    let page = site.page(&["--lang", "en"]);
    let told = section(&page, "inspections");
    for guard in 0..2 {
        assert_eq!(told.matches(&format!("seen by {guard}")).count(), 1, "{told}");
    }
    let (_, first) = told.split_once(&"00".repeat(16)).unwrap();
    let first = first.split_once("</details>").unwrap().0;
    assert!(first.contains("seen by 0") && !first.contains("seen by 1"), "{first}");
}

#[test]
fn a_record_that_does_not_verify_says_so_before_anything_else() {
    let site = Site::new();
    let log = site.log();
    for user in ["p-0412", "p-0413"] {
        let caller = Caller { unit: "济南市税务局", user, resource: "household", code: None };
        call(&log, &caller, "x");
    }
    log.close().unwrap();
    let heading = [("zh", "日志未通过核验"), ("en", "The record does not verify")];
    for (lang, said) in heading {
        assert!(!site.page(&["--lang", lang]).contains(said), "the record is as it was signed");
    }
    let entries = fs::read_dir(site.state.join("log/guard-0/entries")).unwrap().next().unwrap().unwrap().path();
    let changed = fs::read_to_string(&entries).unwrap().replace("p-0412", "p-0499");
    fs::write(&entries, changed).unwrap();
    for (lang, said) in heading {
        let page = site.page(&["--lang", lang]);
        let (before, _) = page.split_once("<div class=\"tiles\">").unwrap();
        assert!(before.contains(said), "{before}");
        assert!(before.contains("guard-0/entries/") && before.contains("changed"), "where: {before}");
        assert!(before.contains("datashare audit verify"));
        // it is a finding too, as an inspection has it
        assert!(section(&page, "consent").contains("guard-0/entries/"), "{page}");
    }
}

#[test]
fn office_hours_are_those_of_the_policy() {
    let site = Site::new();
    let log = site.log();
    // ten in the morning of a Tuesday in Jinan, and two at night by UTC
    site.clock.advance(SignedDuration::from_mins(25 * 60 + 30));
    let caller = Caller { unit: "济南市税务局", user: "p-0412", resource: "household", code: None };
    call(&log, &caller, "x");
    log.close().unwrap();
    let off = "outside of office hours (user p-0412)";
    assert!(!site.page(&["--lang", "en"]).contains(off));
    let policy = site.place.path().join("jinan/audit-policy.yaml");
    crate::cli::edit(&policy, "timeZone: Asia/Shanghai", "timeZone: UTC");
    assert!(site.page(&["--lang", "en"]).contains(off), "the site's zone is not the policy's");
}
