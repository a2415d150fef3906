//! Every kind of bad input, one at a time in a copy of the example: `check` names file, line and member,
//! says what is wrong and what to do, and ends with 1.

use std::fs;

use serde_json::Value;

use super::{datashare, edit, jinan};

const GRANT: &str = "grants/deed-tax.yaml";
const REQUEST: &str = "requests/tax-bureau/deed-tax.yaml";
const RESOURCE: &str = "resources/property-ownership.yaml";

/// What is edited, and the finding: its code, its file with a text of its line, its member and its words.
struct Mistake {
    edit: (&'static str, &'static str, &'static str),
    code: &'static str,
    at: (&'static str, &'static str),
    member: &'static str,
    says: &'static str,
    fix: &'static str,
}

fn in_place(
    edit: (&'static str, &'static str, &'static str),
    code: &'static str,
    member: &'static str,
    says: &'static str,
    fix: &'static str,
) -> Mistake {
    Mistake { at: (edit.0, edit.2), edit, code, member, says, fix }
}

fn told(mistake: &Mistake, all: &[Value]) -> bool {
    let text = |one: &Value, member: &str| one[member].as_str().unwrap_or_default().to_owned();
    all.iter().any(|one| {
        one["severity"] == "error"
            && text(one, "code") == mistake.code
            && text(one, "file") == mistake.at.0
            && text(one, "member") == mistake.member
            && text(one, "message").contains(mistake.says)
            && text(one, "fix").contains(mistake.fix)
    })
}

fn judge(mistakes: &[Mistake]) {
    for mistake in mistakes {
        let (_place, root) = jinan();
        let (file, from, to) = mistake.edit;
        edit(&root.join(file), from, to);
        let ran = datashare(&root, &["check", ".", "-o", "json"]);
        let all = ran.json();
        let all = all.as_array().unwrap();
        assert_eq!(ran.code, 1, "{to}: {all:#?}");
        assert!(told(mistake, all), "{to}: {all:#?}");
        let text = fs::read_to_string(root.join(mistake.at.0)).unwrap();
        let right = |one: &&Value| {
            let line = usize::try_from(one["line"].as_u64().unwrap()).unwrap();
            text.lines().nth(line - 1).is_some_and(|line| line.contains(mistake.at.1.lines().next_back().unwrap()))
        };
        let own = all.iter().filter(|one| one["code"] == mistake.code && one["file"] == mistake.at.0);
        assert!(own.clone().any(|one| right(&one)), "{to}: {:#?}", own.collect::<Vec<_>>());
    }
}

#[test]
fn what_one_object_gets_wrong() {
    judge(&[
        in_place((REQUEST, "purpose:", "purpos:"), "member-unknown", "spec.purpos", "no member", "`purpose`?"),
        in_place(
            (REQUEST, "phone: \"0531-00000117\"", "phone: 117"),
            "member-type",
            "spec.applicant.phone",
            "must be text",
            "\"117\"",
        ),
        in_place(
            (GRANT, "perDay: 20000", "perDay: many"),
            "member-type",
            "spec.quota.perDay",
            "a whole number",
            "whole",
        ),
        in_place(
            (GRANT, "{user: true", "{user: \"true\""),
            "member-type",
            "spec.requires.user",
            "true or false",
            "without quotes",
        ),
        in_place(
            (REQUEST, "operations: [by-unit, by-certificate, by-owner]", "operations: by-unit"),
            "member-type",
            "spec.operations",
            "a list",
            "[a, b]",
        ),
        in_place(
            (REQUEST, "notAfter: \"2027-11-19\"", "notAfter: \"2027-02-30\""),
            "value-invalid",
            "spec.notAfter",
            "calendar day",
            "YYYY-MM-DD",
        ),
        in_place(
            (GRANT, "notBefore: \"2026-11-20T00:00:00+08:00\"", "notBefore: \"2026-11-20\""),
            "value-invalid",
            "spec.notBefore",
            "RFC 3339",
            "offset",
        ),
        in_place(
            (REQUEST, "11370100DEM000268Y", "11370100DEM000268X"),
            "value-invalid",
            "spec.applicant.unit.code",
            "GB 32100",
            "'Y'",
        ),
        in_place(
            (RESOURCE, "$.data[*].unitNumber", "$.data[0].unitNumber"),
            "value-invalid",
            "spec.fields[0].path",
            "RFC 9535",
            "$.data[*]",
        ),
        in_place(
            (RESOURCE, "name: certificateNumber, title", "name: unitNumber, title: \"\", x"),
            "member-unknown",
            "spec.fields[1].x",
            "no member",
            "remove it",
        ),
        in_place(
            (RESOURCE, "name: certificateNumber", "name: unitNumber"),
            "value-invalid",
            "spec.fields[1]",
            "unique",
            "stands there before",
        ),
        in_place(
            (RESOURCE, "$.data[*].certificateNumber", "$.data[*].unitNumber.x"),
            "value-invalid",
            "spec.fields[1].path",
            "lead through",
            "leaves",
        ),
        in_place((RESOURCE, "direction: Out", "direction: out"), "value-unknown", "spec.direction", "`out`", "`Out`?"),
        in_place(
            (REQUEST, "kind: DataShareRequest", "kind: DataSharRequest"),
            "kind-unknown",
            "kind",
            "DataSharRequest",
            "`DataShareRequest`?",
        ),
        in_place(
            (REQUEST, "mode: Interface", "mode: Interface\n  mode: Interface"),
            "yaml-duplicate-member",
            "",
            "twice",
            "keep one",
        ),
        in_place(
            ("datashare.yaml", "timeZone", "timezone"),
            "settings-invalid",
            "timezone",
            "no member",
            "`timeZone`?",
        ),
    ]);
}

#[test]
fn what_objects_get_wrong_together() {
    let others = |edit, code, at, member, says, fix| Mistake { edit, code, at, member, says, fix };
    judge(&[
        in_place(
            (REQUEST, "name: property-ownership", "name: property-ownershp"),
            "reference-missing",
            "spec.resourceRef.name",
            "not there",
            "`property-ownership`?",
        ),
        in_place(
            (RESOURCE, "name: default", "name: defalt"),
            "reference-missing",
            "spec.auditPolicyRef.name",
            "not there",
            "`default`?",
        ),
        others(
            (GRANT, "perDay: 20000", "perDay: 30000"),
            "signature-invalid",
            (GRANT, "signature:"),
            "spec.approvals[0].signature",
            "does not match",
            "bring back the terms",
        ),
        others(
            (REQUEST, "purpose: ", "purpose: 又 "),
            "request-changed",
            (GRANT, "677715e2"),
            "spec.requestRef.digest",
            "not the one that was reviewed",
            "have this one approved",
        ),
        others(
            ("datashare.yaml", "jinan-demo", "jinan"),
            "signature-invalid",
            (GRANT, "signature:"),
            "spec.approvals[1].signature",
            "does not match",
            "for site jinan ",
        ),
        others(
            ("allowed_signers", "share@bigdata.jinan ", "other@bigdata.jinan "),
            "approval-invalid",
            (GRANT, "signature:"),
            "spec.approvals[1].signature",
            "lists no key for share@",
            "add a line",
        ),
        others(
            (REQUEST, "receivedBy: intake@", "receivedBy: director@"),
            "approval-invalid",
            (GRANT, "signature:"),
            "spec.approvals[0].signature",
            "received the request",
            "somebody who may sign",
        ),
    ]);
    let (_place, root) = jinan();
    let signers = root.join("allowed_signers");
    let text = fs::read_to_string(&signers).unwrap();
    fs::write(&signers, text.replace("valid-before=\"20361231Z\"", "valid-before=\"20260101Z\"")).unwrap();
    let all = datashare(&root, &["check", GRANT, "-o", "json"]).json();
    let expired = all.as_array().unwrap().iter().find(|one| one["code"] == "approval-invalid").unwrap();
    assert!(expired["message"].as_str().unwrap().contains("until 2026-01-01"), "{expired}");
    assert!(expired["fix"].as_str().unwrap().contains("present key"), "{expired}");
}

#[test]
fn one_mistake_is_one_error_and_a_note_wherever_it_is_missed() {
    let (_place, root) = jinan();
    edit(&root.join(RESOURCE), "title: 登记日期", "titel: 登记日期");
    let ran = datashare(&root, &["check", ".", "-o", "json"]);
    let all = ran.json();
    let errors: Vec<_> = all.as_array().unwrap().iter().filter(|one| one["severity"] == "error").collect();
    assert!(ran.code == 1 && errors.len() == 1, "{errors:#?}");
    let place = format!("{RESOURCE}:{}", errors[0]["line"]);
    let missed = |code: &str, file: &str| {
        let one = all.as_array().unwrap().iter().find(|one| one["code"] == code && one["file"] == file);
        let one = one.unwrap_or_else(|| panic!("{code} {file}: {all:#}"));
        assert_eq!(one["fix"], format!("mend {place} first"));
    };
    missed("resource-missing", GRANT);
    missed("reference-missing", REQUEST);
    // nobody is told to sign anew because somebody else's file is broken
    missed("resource-missing", "grants/inheritance-denied.yaml");
}

#[test]
fn what_is_doubtful_is_a_warning_and_stops_nothing() {
    let direct = "resources/tax-paid.yaml";
    let asked = "requests/registration-staff/household-check.yaml";
    let cases = [
        (
            RESOURCE,
            "timeout: 5s",
            "timeout: 5s\n      insecure: true",
            "upstream-insecure",
            "spec.interface.upstream.insecure",
        ),
        (direct, "by: \"2027-06-30\"", "by: \"2026-06-30\"", "migration-overdue", "spec.channel.migration.by"),
        (asked, "- memberName", "- membersName", "fields-not-in-catalogue", "spec.fields[1]"),
        (asked, "[by-member]", "[by-member, by-house]", "operations-not-offered", "spec.operations[1]"),
        (asked, "Interface\n  operations: [by-member]", "File", "mode-not-offered", "spec.mode"),
    ];
    for (file, from, to, code, member) in cases {
        let (_place, root) = jinan();
        edit(&root.join(file), from, to);
        let ran = datashare(&root, &["check", ".", "-o", "json"]);
        let all = ran.json();
        let own = all.as_array().unwrap().iter().find(|one| one["code"] == code);
        let own = own.unwrap_or_else(|| panic!("{code}: {all:#}"));
        assert_eq!((ran.code, &own["severity"], &own["member"]), (0, &"warning".into(), &member.into()), "{own}");
        assert_eq!(own["file"], file);
    }
}

#[test]
fn revocations_that_hit_nothing_and_overdue_recalls_are_warned_of() {
    let (_place, root) = jinan();
    let why = ["--clause", "B6", "--reason", "r", "--decided-by", "d", "--decided-at", "2026-01-05T00:00:00+08:00"];
    let recall = ["--recall-due", "2026-02-01", "--recall-what", "Return", "--resource", "nothing"];
    let words = [&["revoke", "--grant", "济登共享〔2026〕112号"][..], &why, &recall].concat();
    assert_eq!(datashare(&root, &words).code, 0);
    let ran = datashare(&root, &["check", "revocations", "-o", "json"]);
    let told: Vec<_> =
        ran.json().as_array().unwrap().iter().map(|one| (one["code"].clone(), one["severity"].clone())).collect();
    let warned = |code: &str| told.contains(&(code.into(), "warning".into()));
    assert!(ran.code == 0 && warned("target-unknown") && warned("recall-overdue"), "{told:?}");
    assert!(warned("reference-missing"), "{told:?}");
}

#[test]
fn files_that_cannot_be_trusted_to_be_whole_are_told() {
    let (_place, root) = jinan();
    fs::write(root.join("grants/latin.yaml"), b"# caf\xe9\n").unwrap();
    let half = fs::read_to_string(root.join(REQUEST)).unwrap();
    fs::write(root.join(REQUEST), half.trim_end()).unwrap();
    let signers = root.join("allowed_signers");
    let text = fs::read_to_string(&signers).unwrap();
    let first = text.lines().find(|line| line.starts_with("director@")).unwrap();
    fs::write(
        &signers,
        format!("{text}{}\n", first.replace("director@registration.jinan n", "second@registration.jinan n")),
    )
    .unwrap();
    let ran = datashare(&root, &["check", ".", "-o", "json"]);
    let all = ran.json();
    let told = |code: &str, file: &str, severity: &str| {
        all.as_array()
            .unwrap()
            .iter()
            .any(|one| one["code"] == code && one["file"] == file && one["severity"] == severity)
    };
    assert!(ran.code == 1 && told("file-unreadable", "grants/latin.yaml", "error"), "{all:#}");
    assert!(told("file-unfinished", REQUEST, "warning"), "{all:#}");
    assert!(told("signer-doubtful", "allowed_signers", "warning"), "{all:#}");
}
