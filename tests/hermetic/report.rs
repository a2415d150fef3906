//! The month's page: what it says of a record, that hostile names stay text, that it asks no network, and
//! that a real browser draws it, with data and with none.

mod browser;

use std::path::{Path, PathBuf};

use datashare::audit::{
    Entry, Event, GrantRef, Log, NameRef, Options, Outcome, Parameter, SiteKey, UnitRef, inspection,
};
use datashare::clock::Clock;
use datashare::delivery::state_dir::StateDir;
use jiff::{SignedDuration, Timestamp};

use crate::cli::{datashare, jinan};

const HOSTILE: &str = "<script>alert(1)</script>\"'&<img src=http://evil.example/x onerror=alert(2)>";

/// The example with a state beside it.
struct Site {
    place: tempfile::TempDir,
    state: PathBuf,
    clock: Clock,
}

impl Site {
    fn new() -> Self {
        let (place, root) = jinan();
        let state = place.path().join("state");
        drop(StateDir::hold(&state, &root).unwrap());
        Self { place, state, clock: Clock::manual("2026-11-02T00:30:00Z".parse::<Timestamp>().unwrap()) }
    }

    fn log(&self) -> Log {
        let options = Options { stream: Some("guard-0".to_owned()), ..Options::default() };
        Log::open(&self.state.join("log"), &options, self.clock.clone()).unwrap().0
    }

    fn page(&self, words: &[&str]) -> String {
        let fixed = ["audit", "report", "--month", "2026-11", "--state", self.state.to_str().unwrap()];
        let told = datashare(self.place.path(), &[&fixed, words].concat());
        assert_eq!(told.code, 0, "{}", told.messages);
        told.out
    }

    fn saved(&self, name: &str, words: &[&str]) -> PathBuf {
        let path = self.place.path().join(name);
        let told = self.page(&[words, &["-o", path.to_str().unwrap()]].concat());
        assert_eq!(told, "");
        path
    }
}

/// Who calls, and how it ends.
struct Caller<'a> {
    unit: &'a str,
    user: &'a str,
    resource: &'a str,
    code: Option<&'a str>,
}

fn call(log: &Log, caller: &Caller<'_>, subject: &str) -> String {
    let grant = GrantRef {
        namespace: "jinan-registration",
        name: "deed-tax",
        serial: "济登共享〔2026〕12号",
        digest: "sha256:00",
    };
    let parameters = [Parameter { name: "idNumber", value: subject }];
    let fields = ["ownerName"];
    let entry = Entry {
        grant: Some(grant),
        request: Some(NameRef { namespace: "tax-bureau", name: "deed-tax" }),
        unit: Some(UnitRef { code: "11370100MB28523456", name: caller.unit }),
        system: Some("契税征管系统"),
        user: Some(caller.user),
        source: Some([10, 20, 0, 7].into()),
        resource: Some(NameRef { namespace: "jinan-registration", name: caller.resource }),
        operation: Some("by-id"),
        parameters: &parameters,
        outcome: Some(if caller.code.is_none() { Outcome::Released } else { Outcome::Refused }),
        code: caller.code,
        fields: if caller.code.is_none() { &fields } else { &[] },
        items: Some(1),
        ..Entry::new(if caller.code.is_none() { Event::Call } else { Event::Refusal })
    };
    let receipt = log.append_blocking(&entry).unwrap();
    receipt.to_string()
}

/// Three weeks of office work, one night, one harvest, and names that would like to be markup.
fn fill(site: &Site) -> Log {
    let log = site.log();
    let key = SiteKey::load_or_create(&site.state.join("site-key")).unwrap();
    let units = ["济南市税务局", "济南市公证处", "历下区人民法院", "济南住房公积金中心"];
    let resources = ["property-ownership", "marriage-city", "household"];
    for day in 0..19_usize {
        for number in 0..(12 + day * 5 % 17) {
            let unit = units[(day + number) % units.len()];
            let user = format!("p-{:04}", 400 + number % 9);
            let resource = resources[number % resources.len()];
            let codes = [None, None, None, None, Some("quota-exceeded"), None, Some("user-refused"), None];
            let code = codes[(day + number) % codes.len()];
            let subject = key.hash(&format!("{day}-{number}"));
            call(&log, &Caller { unit, user: &user, resource, code }, subject.as_str());
            site.clock.advance(SignedDuration::from_mins(23));
        }
        let passed = 23 * (12 + i64::try_from(day * 5 % 17).unwrap());
        site.clock.advance(SignedDuration::from_mins(24 * 60 - passed));
    }
    for number in 0..260 {
        let subject = key.hash(&format!("harvest-{number}"));
        let caller = Caller { unit: units[0], user: "p-0666", resource: resources[0], code: None };
        call(&log, &caller, subject.as_str());
    }
    call(&log, &Caller { unit: HOSTILE, user: HOSTILE, resource: resources[0], code: Some("user-refused") }, HOSTILE);
    log
}

#[test]
fn an_empty_month_is_a_whole_page_in_both_languages() {
    let site = Site::new();
    site.log().close().unwrap();
    let (zh, en) = (site.page(&[]), site.page(&["--lang", "en"]));
    for (page, tag, none) in [(&zh, "<html lang=\"zh-CN\">", "无。"), (&en, "<html lang=\"en\">", "None.")] {
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
        assert!(page.contains(tag) && page.contains(none), "{page}");
    }
    let bad = ["audit", "report", "--month", "2026-13", "--state", site.state.to_str().unwrap()];
    let told = datashare(site.place.path(), &bad);
    assert!(told.code == 2 && told.messages.contains("write it as 2026-11"), "{}", told.messages);
}

#[test]
fn the_page_counts_what_the_record_has_and_names_the_receipts() {
    let site = Site::new();
    let log = fill(&site);
    let caller =
        Caller { unit: "济南市税务局", user: "p-0777", resource: "household", code: Some("case-required") };
    let receipt = call(&log, &caller, "x");
    log.close().unwrap();
    let page = site.page(&["--lang", "en"]);
    assert!(page.contains(&format!("<code>{receipt}</code>")), "the receipt of a rare refusal");
    assert!(page.contains("datashare audit query --code case-required --since 2026-11-01 --until 2026-11-30"));
    assert!(page.contains("user p-0666 looked up 260 different subjects"), "the harvest");
    assert!(page.contains("other terms than those enforced under this serial"), "what is not as approved");
    let query = ["audit", "query", "--state", site.state.to_str().unwrap(), "--outcome", "released", "-o", "json"];
    let released = datashare(site.place.path(), &query).json().as_array().unwrap().len();
    assert!(released > 260 && page.contains(&format!("<b>{released}</b><span>calls released</span>")), "{released}");
    // a month of which there is nothing has nothing of another
    let other = datashare(
        site.place.path(),
        &["audit", "report", "--month", "2026-10", "--state", site.state.to_str().unwrap(), "--lang", "en"],
    );
    assert!(!other.out.contains("p-0666") && !other.out.contains(&receipt), "{}", other.messages);
}

#[test]
fn the_page_forbids_itself_to_load_anything_and_names_no_place_to_load_from() {
    let site = Site::new();
    fill(&site).close().unwrap();
    for lang in ["zh", "en"] {
        let page = site.page(&["--lang", lang]);
        let policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-";
        assert!(page.contains(policy));
        let loads = ["<script", "<img", "<link", "<iframe", "@import", "url(", " style=", "onerror=alert(2)>"];
        for forbidden in loads {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        let links = page.split("href=\"").skip(1);
        assert!(links.clone().count() > 50 && links.clone().all(|link| link.starts_with('#')));
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "the hostile name is there, as text");
    }
}

#[test]
fn findings_in_the_record_are_on_the_page_of_their_month() {
    let site = Site::new();
    let log = site.log();
    let from = site.clock.now();
    site.clock.advance(SignedDuration::from_hours(1));
    let said = inspection::Said::new("seen <b>twice</b>", "见到 <b>两次</b>");
    let finding = inspection::Finding {
        check: datashare::api::v1alpha1::audit_policy::Check::BulkHarvest,
        effect: datashare::api::v1alpha1::audit_policy::Effect::Suspend,
        clause: "B4",
        grant: None,
        resource: None,
        user: Some("p-1".to_owned()),
        receipts: vec!["guard-0/7".to_owned()],
        count: 1,
        message: said,
    };
    let inspected = inspection::Inspected {
        policy: "jinan-registration/default".to_owned(),
        from,
        until: site.clock.now(),
        time: site.clock.now(),
        seed: inspection::Seed::new([3; 16]),
        entries: 12,
        sample: Vec::new(),
        findings: vec![finding],
        left_out: 0,
        next: None,
        pass: false,
    };
    inspection::record(&log, &inspected, 5, jiff::civil::date(2029, 1, 1)).unwrap();
    log.close().unwrap();
    let page = site.page(&[]);
    for there in ["见到 &lt;b&gt;两次&lt;/b&gt;", "guard-0/7", "03030303030303030303030303030303", "，已暂停"] {
        assert!(page.contains(there), "{there}");
    }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
