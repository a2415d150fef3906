//! A file cut off at any byte. YAML has no end mark, so a cut between two lines can leave a shorter
//! object that is whole in itself; that is the honest limit, and why everything that opens is signed.
//! What is promised: no panic, no document out of nothing, earlier documents untouched, a cut inside
//! a line is an error or at least a warning, and of a grant nothing is left that counts as signed.

use datashare::source::directory::load_text;
use datashare::source::object::{Object, Spec};

use super::{GRANT, RESOURCE, REVOCATION};

fn objects(text: &str) -> (Vec<Object>, bool) {
    let load = load_text("a.yaml", text);
    (load.documents.into_iter().filter_map(|document| document.object).collect(), load.findings.is_empty())
}

#[test]
fn a_cut_is_noticed_or_harmless() {
    let text = format!("{RESOURCE}---\n{REVOCATION}---\n{GRANT}");
    let starts: Vec<usize> = vec![0, RESOURCE.len() + 4, RESOURCE.len() + 4 + REVOCATION.len() + 4];
    let ends = [RESOURCE.len(), starts[1] + REVOCATION.len(), text.len()];
    let (whole, clean) = objects(&text);
    assert_eq!((whole.len(), clean), (3, true));
    for cut in (0..text.len()).filter(|cut| text.is_char_boundary(*cut)) {
        let (left, clean) = objects(&text[..cut]);
        // inside `---` the line still belongs to the document above, and spoils it
        let complete = ends.iter().filter(|end| **end <= cut && !(1..3).contains(&(cut - **end))).count();
        assert!(left.len() >= complete && left.len() <= complete + 1, "cut at {cut}: {} objects", left.len());
        assert_eq!(left[..complete], whole[..complete], "cut at {cut}");
        let at_line_end = text[..cut].ends_with('\n');
        if let Some(partial) = left.get(complete)
            && *partial != whole[complete]
        {
            assert!(at_line_end || !clean, "cut at {cut} went unnoticed inside a line");
            match (&partial.spec, &whole[complete].spec) {
                (Spec::AccessGrant(partial), Spec::AccessGrant(whole)) => {
                    let signatures = |spec: &datashare::api::v1alpha1::AccessGrantSpec| {
                        spec.approvals.iter().flatten().map(|approval| approval.signature.clone()).collect::<Vec<_>>()
                    };
                    assert_ne!(signatures(partial), signatures(whole), "cut at {cut}: still fully signed");
                }
                // a Revocation that lost its narrowing closes more, never less
                (Spec::Revocation(partial), Spec::Revocation(whole)) => assert_eq!(partial.target, whole.target),
                // a resource that lost its last lines: its catalogue is the signed slice, and `requires`
                // is asked of the grant as well
                (Spec::SharedResource(partial), Spec::SharedResource(whole)) => {
                    assert_eq!((&partial.fields, &partial.interface), (&whole.fields, &whole.interface));
                }
                other => panic!("cut at {cut} changed the kind: {other:?}"),
            }
        }
    }
}

#[test]
fn a_file_cut_inside_a_character_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let at = GRANT.find('济').unwrap() + 1;
    std::fs::write(dir.path().join("a.yaml"), &GRANT.as_bytes()[..at]).unwrap();
    let directory = datashare::source::directory::Directory::open(dir.path()).unwrap();
    let seen = directory.read("a.yaml");
    assert!(matches!(seen, datashare::source::directory::Seen::Unreadable(..)), "{seen:?}");
}
