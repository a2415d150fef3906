//! `datashare revoke`: what it writes passes `check`, and it never writes over anything.

use std::fs;

use super::{datashare, jinan};

const WHY: [&str; 6] = ["--clause", "End", "--reason", "项目结束", "--decided-by", "孙示例"];

fn with<'w>(words: &[&'w str]) -> Vec<&'w str> {
    ["revoke"].iter().chain(words).chain(&WHY).copied().collect()
}

#[test]
fn every_target_passes_check() {
    let (_place, root) = jinan();
    let serial = "济登共享〔2025〕3号";
    let code = "12370100DEM000313W";
    let system = format!("{code}/公积金贷款审核系统");
    let person = format!("p-0417@{code}");
    for target in [["--grant", serial], ["--unit", code], ["--system", &system], ["--person", &person]] {
        let ran = datashare(&root, &with(&target));
        assert_eq!(ran.code, 0, "{}", ran.messages);
        let file = ran.out.trim();
        assert!(file.starts_with("revocations/") && root.join(file).is_file(), "{file}");
        assert!(target[0] == "--person" || ran.messages.contains("loan-review"), "{}", ran.messages);
        let check = datashare(&root, &["check", file, "-o", "json"]);
        assert_eq!((check.code, check.out.trim()), (0, "[]"), "{}", check.out);
    }
    let again = datashare(&root, &with(&["--grant", serial]));
    assert!(again.code == 0 && again.out.trim().ends_with("-2.yaml"), "{}", again.out);
    assert_eq!(fs::read_dir(root.join("revocations")).unwrap().count(), 5, "and no drafts are left");
}

#[test]
fn nothing_is_overwritten() {
    let (_place, root) = jinan();
    let file = root.join("x.yaml");
    fs::write(&file, "# mine\n").unwrap();
    let ran = datashare(&root, &with(&["--person", "p-1", "-o", "x.yaml"]));
    assert!(ran.code == 2 && ran.messages.contains("x.yaml"), "{}", ran.messages);
    assert_eq!(fs::read_to_string(file).unwrap(), "# mine\n");
}

#[test]
fn rules_of_the_kind_hold() {
    let (_place, root) = jinan();
    let wrong = datashare(&root, &with(&["--unit", "12370100DEM0003131"]));
    assert!(wrong.code == 1 && wrong.messages.contains("spec.target.unit.code"), "{}", wrong.messages);
    assert!(!root.join("revocations").exists());
    let slip = datashare(&root, &with(&["--person", "p-1@12370100dem000313w"]));
    assert!(slip.code == 1 && slip.messages.contains("spec.target.person.unitCode"), "{}", slip.messages);
    let words = ["revoke", "--person", "p-1", "--clause", "B6", "--reason", "r", "--decided-by", "d"];
    let recall = datashare(&root, &words);
    assert!(recall.code == 1 && recall.messages.contains("recall"), "{}", recall.messages);
    let words: Vec<&str> =
        words.iter().copied().chain(["--recall-due", "2026-12-31", "--recall-what", "Destroy"]).collect();
    assert_eq!(datashare(&root, &words).code, 0);
    for usage in [&[][..], &["--unit", "a", "--grant", "b"], &["--system", "no-slash"]] {
        assert_eq!(datashare(&root, &with(usage)).code, 2, "{usage:?}");
    }
}

#[test]
fn prints_where_no_directory_is() {
    let place = tempfile::tempdir().unwrap();
    let nowhere = datashare(place.path(), &with(&["--person", "p-1", "-n", "jinan"]));
    assert_eq!(nowhere.code, 2, "{}", nowhere.messages);
    let printed = datashare(place.path(), &with(&["--person", "a@example.com", "-n", "jinan", "-o", "-"]));
    assert_eq!(printed.code, 0, "{}", printed.messages);
    assert!(printed.out.contains("kind: Revocation") && printed.out.contains("id: a@example.com"), "{}", printed.out);
}
