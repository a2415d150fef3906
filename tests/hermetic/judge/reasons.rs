//! Every reason is reached, with its message; of two defects the earlier check speaks.

use datashare::judge::index::Standing;
use datashare::judge::reason::Reason;

use super::cases::{Built, Case, cases};

fn finding(defects: &[&Case]) -> (Reason, String) {
    match Built::with(defects).standing() {
        Standing::Refused(finding) => (finding.reason, finding.message),
        Standing::Serves => panic!("{:?} serves", defects.iter().map(|case| case.reason).collect::<Vec<_>>()),
    }
}

#[test]
fn without_a_defect_it_serves() {
    assert_eq!(Built::with(&[]).standing(), Standing::Serves);
}

#[test]
fn every_reason_is_reached_with_its_message() {
    let cases = cases();
    for reason in Reason::ALL {
        let case = cases.iter().find(|case| case.reason == *reason).unwrap_or_else(|| panic!("no case for {reason:?}"));
        let (found, message) = finding(&[case]);
        assert_eq!(found, *reason, "{message}");
        assert!(message.contains(case.says), "{reason:?}: {message}");
    }
}

#[test]
fn of_two_defects_the_earlier_check_speaks() {
    let cases = cases();
    for (at, first) in cases.iter().enumerate() {
        for second in &cases[at + 1..] {
            let expected = match (first.reason, second.reason) {
                // a denial has no time that could be over
                (Reason::Expired, Reason::Denied) => Reason::Denied,
                // a denial is of what was reviewed, by somebody whom the resource names
                (
                    Reason::Denied,
                    Reason::RequestMissing
                    | Reason::RequestChanged
                    | Reason::ResourceMismatch
                    | Reason::ResourceMissing,
                ) => second.reason,
                (earlier, _) => earlier,
            };
            assert_eq!(finding(&[first, second]).0, expected, "{:?} and {:?}", first.reason, second.reason);
        }
    }
}
