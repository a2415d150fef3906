//! `datashare who-can` over a state directory: grants that serve, and no others.

use datashare::delivery::state_dir::StateDir;
use serde_json::Value;

use super::{datashare, jinan};

#[test]
fn who_may_read_a_resource_and_which_of_its_fields() {
    let (place, root) = jinan();
    let _held = StateDir::hold(&place.path().join(".datashare"), &root).unwrap();
    let ask = |words: &[&str]| {
        let ran = datashare(place.path(), &[&["who-can", "property-ownership"], words].concat());
        assert_eq!(ran.code, 0, "{}", ran.messages);
        ran
    };
    let table = ask(&[]).out;
    assert!(table.starts_with("RESOURCE ") && table.contains("APPROVED BY"), "{table}");
    assert!(table.contains("济登共享〔2026〕12号") && table.contains("director@registration.jinan"), "{table}");
    for over in ["济登共享〔2025〕7号", "济登共享〔2026〕14号"] {
        assert!(!table.contains(over), "{over} does not serve: {table}");
    }
    let rights = |words: &[&str]| {
        let all: Value = serde_json::from_str(&ask(&[words, &["-o", "json"]].concat()).out).unwrap();
        all.as_array().unwrap().clone()
    };
    let all = rights(&[]);
    assert_eq!(all.len(), table.lines().count() - 1);
    let field = all[0]["fields"][0].as_str().unwrap().to_owned();
    let some = rights(&["--field", &field]);
    assert!(!some.is_empty() && some.iter().all(|right| right["fields"].to_string().contains(&field)));
    assert_eq!(rights(&["-n", "jinan-registration"]), all);
    assert_eq!(rights(&["-n", "somebody-else"]), Vec::<Value>::new());
    let nobody = ask(&["--field", "shoeSize"]);
    assert_eq!((nobody.out.as_str(), nobody.messages.as_str()), ("", "Nobody\n"));
}
