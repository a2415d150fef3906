//! The table of mistakes: each gives one finding with code, line, member and mend, and leaves the
//! good object beside it alone.

use datashare::source::directory::{FileLoad, load_text};
use datashare::source::finding::Severity;

use super::{GRANT, RESOURCE, REVOCATION};

/// What is written instead of what, and the finding that it must give.
struct Mistake {
    base: &'static str,
    from: &'static str,
    to: &'static str,
    code: &'static str,
    /// The line of the finding holds this text.
    at: &'static str,
    member: &'static str,
    says: &'static str,
    mend: &'static str,
}

#[rustfmt::skip]
const MISTAKES: &[Mistake] = &[
    Mistake { base: GRANT, from: "fields: [date]", to: "field: [date]", code: "member-unknown", at: "field: [date]", member: "spec.field", says: "no member `field`", mend: "did you mean `fields`?" },
    Mistake { base: GRANT, from: "perSecond: 20", to: "perSecnd: 20", code: "member-unknown", at: "perSecnd", member: "spec.quota.perSecnd", says: "no member", mend: "`perSecond`" },
    Mistake { base: RESOURCE, from: "    class: Internal", to: "    klass: Internal", code: "member-unknown", at: "klass", member: "spec.fields[1].klass", says: "no member", mend: "`class`" },
    Mistake { base: GRANT, from: "kind: AccessGrant\n", to: "kind: AccessGrant\nspce: 1\n", code: "member-unknown", at: "spce", member: "spce", says: "no member", mend: "`spec`" },
    Mistake { base: GRANT, from: "  name: deed-tax\nspec", to: "  name: deed-tax\n  lables: {}\nspec", code: "member-unknown", at: "lables", member: "metadata.lables", says: "no member", mend: "`labels`" },
    Mistake { base: GRANT, from: "perSecond: 20", to: "perSecond: \"20\"", code: "member-type", at: "perSecond", member: "spec.quota.perSecond", says: "must be a whole number, not text", mend: "write 20 without quotes" },
    Mistake { base: GRANT, from: "perSecond: 20", to: "perSecond: 2.5", code: "member-type", at: "perSecond", member: "spec.quota.perSecond", says: "whole number", mend: "whole number" },
    Mistake { base: GRANT, from: "serial: 济登共享〔2026〕12号", to: "serial: 2026", code: "member-type", at: "serial", member: "spec.serial", says: "must be text, not a number", mend: "\"2026\"" },
    Mistake { base: GRANT, from: "fields: [date]", to: "fields: date", code: "member-type", at: "fields", member: "spec.fields", says: "must be a list, not text", mend: "list" },
    Mistake { base: GRANT, from: "  quota:\n    perSecond: 20\n", to: "  quota: 20\n", code: "member-type", at: "quota", member: "spec.quota", says: "must be an object", mend: "object" },
    Mistake { base: RESOURCE, from: "  sharing: Conditional\n", to: "", code: "member-missing", at: "spec:", member: "spec.sharing", says: "`sharing` is missing", mend: "add `sharing:` below spec" },
    Mistake { base: RESOURCE, from: "    path: $.data[*].date\n", to: "", code: "member-missing", at: "- name: date", member: "spec.fields[1].path", says: "`path` is missing", mend: "below spec.fields[1]" },
    Mistake { base: RESOURCE, from: "tier: City", to: "tier: Citty", code: "value-unknown", at: "Citty", member: "spec.channel.tier", says: "`Citty`", mend: "did you mean `City`?" },
    Mistake { base: GRANT, from: "decision: Approved", to: "decision: Maybe", code: "value-unknown", at: "Maybe", member: "spec.decision", says: "`Maybe`", mend: "Approved, Denied" },
    Mistake { base: GRANT, from: "datashare.dev/v1alpha1", to: "datashare.dev/v1", code: "api-version-unknown", at: "apiVersion", member: "apiVersion", says: "`datashare.dev/v1` is not ours", mend: "datashare.dev/v1alpha1" },
    Mistake { base: GRANT, from: "apiVersion: datashare.dev/v1alpha1\n", to: "", code: "api-version-unknown", at: "kind", member: "apiVersion", says: "missing", mend: "apiVersion: datashare.dev/v1alpha1" },
    Mistake { base: GRANT, from: "kind: AccessGrant", to: "kind: AcessGrant", code: "kind-unknown", at: "kind", member: "kind", says: "`AcessGrant`", mend: "`AccessGrant`" },
    Mistake { base: GRANT, from: "kind: AccessGrant", to: "kind: Deployment", code: "kind-unknown", at: "kind", member: "kind", says: "`Deployment`", mend: "one of SharedResource" },
    Mistake { base: GRANT, from: "  namespace: jinan\n", to: "", code: "namespace-missing", at: "metadata", member: "metadata.namespace", says: "missing", mend: "metadata" },
    Mistake { base: GRANT, from: "  name: deed-tax\nspec", to: "spec", code: "name-missing", at: "metadata", member: "metadata.name", says: "missing", mend: "metadata" },
    Mistake { base: GRANT, from: "  name: deed-tax\nspec", to: "  name: Deed_Tax\nspec", code: "name-invalid", at: "Deed_Tax", member: "metadata.name", says: "`Deed_Tax`", mend: "lowercase" },
    Mistake { base: GRANT, from: "  namespace: jinan\n", to: "  namespace: 12\n", code: "member-type", at: "12", member: "metadata.namespace", says: "must be text", mend: "\"12\"" },
    Mistake { base: GRANT, from: "notBefore: \"2026-11-05T00:00:00+08:00\"", to: "notBefore: \"2026-13-05T00:00:00+08:00\"", code: "value-invalid", at: "2026-13", member: "spec.notBefore", says: "RFC 3339", mend: "offset" },
    Mistake { base: GRANT, from: "notBefore: \"2026-11-05T00:00:00+08:00\"", to: "notBefore: 2026-11-05", code: "value-invalid", at: "notBefore", member: "spec.notBefore", says: "RFC 3339", mend: "offset" },
    Mistake { base: REVOCATION, from: "11370100004188127J", to: "1137010000418812X0", code: "value-invalid", at: "1137010000418812X0", member: "spec.target.unit.code", says: "check digit", mend: "" },
    Mistake { base: RESOURCE, from: "path: $.data[*].date", to: "path: $.data..date", code: "value-invalid", at: "data..date", member: "spec.fields[1].path", says: "RFC 9535", mend: "" },
    Mistake { base: RESOURCE, from: "- name: date", to: "- name: id", code: "value-invalid", at: "name: id", member: "spec.fields[1]", says: "unique", mend: "stands there before" },
    Mistake { base: GRANT, from: "perSecond: 20", to: "perSecond: 0", code: "value-invalid", at: "perSecond", member: "spec.quota.perSecond", says: "1 to 100000", mend: "range" },
    Mistake { base: GRANT, from: "  decision: Approved\n", to: "  decision: Approved\n  serial: x\n", code: "yaml-duplicate-member", at: "serial: x", member: "", says: "`serial` appears twice", mend: "keep one" },
    Mistake { base: GRANT, from: "  decision: Approved\n", to: "  decision: Approved\n   users: []\n", code: "yaml-syntax", at: "", member: "", says: "not valid YAML", mend: "indentation" },
    Mistake { base: GRANT, from: "  decision: Approved\n", to: "\tdecision: Approved\n", code: "yaml-syntax", at: "\tdecision", member: "", says: "tab", mend: "spaces" },
    Mistake { base: GRANT, from: "fields: [date]", to: "fields: [date", code: "yaml-syntax", at: "", member: "", says: "not valid YAML", mend: "bracket" },
    Mistake { base: GRANT, from: "decision: Approved", to: "decision: \"Approved", code: "yaml-syntax", at: "", member: "", says: "not valid YAML", mend: "" },
    Mistake { base: GRANT, from: "decision: Approved", to: "decision: &d Approved", code: "yaml-refused", at: "&d", member: "", says: "anchor", mend: "remove it" },
    Mistake { base: GRANT, from: "decision: Approved", to: "decision: !!str Approved", code: "yaml-refused", at: "!!str", member: "", says: "tag", mend: "remove it" },
    Mistake { base: GRANT, from: "decision: Approved", to: "decision: no", code: "yaml-ambiguous", at: "no", member: "", says: "`no`", mend: "\"no\"" },
    Mistake { base: GRANT, from: "serial: 济登共享〔2026〕12号", to: "serial: 0012", code: "yaml-ambiguous", at: "0012", member: "", says: "octal", mend: "\"0012\"" },
    Mistake { base: GRANT, from: "serial: 济", to: "serial: \u{202e}济", code: "yaml-refused", at: "serial", member: "", says: "U+202E", mend: "remove" },
    Mistake { base: GRANT, from: "spec:\n", to: "data:\n", code: "member-missing", at: "apiVersion", member: "spec", says: "spec is missing", mend: "spec" },
];

fn errors(load: &FileLoad) -> Vec<&datashare::source::finding::Finding> {
    load.findings.iter().filter(|finding| finding.severity == Severity::Error).collect()
}

#[test]
fn the_bases_are_good() {
    for base in [RESOURCE, REVOCATION, GRANT] {
        let load = load_text("a.yaml", base);
        assert!(load.findings.is_empty(), "{:#?}", load.findings);
        assert!(load.documents.iter().all(|document| document.object.is_some()));
    }
}

#[test]
fn every_mistake_is_named_with_its_place_and_mend() {
    for (number, mistake) in MISTAKES.iter().enumerate() {
        assert!(mistake.base.contains(mistake.from), "row {number}: {:?} is not in the base", mistake.from);
        let broken = mistake.base.replacen(mistake.from, mistake.to, 1);
        // a good neighbour before it: lines must count from the file's start, and it must stay
        let neighbour = if mistake.base == REVOCATION { GRANT } else { REVOCATION };
        let text = format!("{neighbour}---\n{broken}");
        let load = load_text("grants/a.yaml", &text);
        let found = errors(&load);
        let finding = found
            .iter()
            .find(|finding| finding.code.name() == mistake.code)
            .unwrap_or_else(|| panic!("row {number} ({:?}): {found:#?}", mistake.to));
        let line = text.lines().nth(finding.line as usize - 1).unwrap_or_default();
        assert_eq!(finding.file, "grants/a.yaml");
        assert!(line.contains(mistake.at), "row {number} ({:?}): line {} is {line:?}", mistake.to, finding.line);
        assert!(finding.line as usize > neighbour.lines().count(), "row {number}: line {}", finding.line);
        assert_eq!(finding.member.as_deref().unwrap_or_default(), mistake.member, "row {number}");
        assert!(finding.message.contains(mistake.says), "row {number}: {}", finding.message);
        assert!(finding.fix.contains(mistake.mend) && !finding.fix.is_empty(), "row {number}: {}", finding.fix);
        let there: Vec<_> = load.documents.iter().filter(|document| document.object.is_some()).collect();
        assert_eq!(there.len(), 1, "row {number}: the neighbour stays, the broken one is absent");
    }
}

#[test]
fn status_is_ignored_with_a_warning() {
    let text = format!("{GRANT}status:\n  credentials: [{{id: x}}]\n");
    let load = load_text("a.yaml", &text);
    assert_eq!(load.findings.len(), 1);
    let finding = &load.findings[0];
    assert_eq!((finding.severity, finding.code.name()), (Severity::Warning, "status-ignored"));
    assert_eq!(text.lines().nth(finding.line as usize - 1), Some("status:"));
    assert!(load.documents[0].object.is_some());
    assert_eq!(load.documents[0].fingerprint, load_text("a.yaml", GRANT).documents[0].fingerprint);
}

#[test]
fn a_list_is_read_item_by_item() {
    let indent = |text: &str| text.lines().map(|line| format!("  {line}\n")).collect::<String>();
    let item = |text: &str| indent(text).replacen("  apiVersion", "- apiVersion", 1);
    let text = format!(
        "apiVersion: v1\nkind: List\nitems:\n{}{}",
        item(REVOCATION),
        item(&GRANT.replace("perSecond", "perSecnd"))
    );
    let load = load_text("a.yaml", &text);
    assert_eq!(load.documents.len(), 2);
    assert!(load.documents[0].object.is_some() && load.documents[1].object.is_none());
    let line = text.lines().nth(load.findings[0].line as usize - 1).unwrap();
    assert!(line.contains("perSecnd"), "{line}");
}

#[test]
fn a_document_that_is_no_object() {
    for text in ["- a\n- b\n", "text\n", "12\n"] {
        let load = load_text("a.yaml", text);
        assert_eq!(load.findings[0].code.name(), "object-shape", "{text}");
    }
    let large = format!("a: {}\n", "x".repeat(5 * 1024 * 1024));
    assert_eq!(load_text("a.yaml", &large).findings[0].code.name(), "file-too-large");
}
