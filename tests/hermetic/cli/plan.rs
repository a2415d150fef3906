//! `datashare plan` between directories and between revisions of a repository.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{datashare, edit, jinan, run};

const REVOKE: [&str; 9] =
    ["revoke", "--unit", "11370100MB28523456", "--clause", "4.3.2", "--reason", "超范围|使用", "--decided-by", "@小组"];

fn git(here: &Path, words: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"];
    let ran = run(Command::new("git").args(identity).args(words).current_dir(here));
    assert_eq!(ran.code, 0, "git {words:?}: {}", ran.messages);
}

/// A unit code that the example uses.
fn unit(root: &Path) -> String {
    let text = fs::read_to_string(root.join("requests/tax-bureau/deed-tax.yaml")).unwrap();
    let (_, rest) = text.split_once("code: \"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn revoke(root: &Path) {
    let code = unit(root);
    let words: Vec<&str> =
        REVOKE.iter().map(|word| if word.starts_with("1137") { code.as_str() } else { *word }).collect();
    let ran = datashare(root, &words);
    assert_eq!(ran.code, 0, "{}", ran.messages);
}

#[test]
fn nothing_changed_is_said() {
    let (_place, root) = jinan();
    let ran = datashare(&root, &["plan", ".", "."]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "Nobody gains or loses anything.\n"));
    assert_eq!(datashare(&root, &["plan", ".", "no-such-revision"]).code, 2);
    assert_eq!(datashare(&root, &["plan", "--", "-x", "."]).code, 2);
}

#[test]
fn revisions_are_compared_without_touching_the_tree() {
    let (_place, root) = jinan();
    let repository = root.parent().unwrap();
    git(repository, &["init", "-q", "-b", "main"]);
    git(repository, &["add", "."]);
    git(repository, &["commit", "-q", "-m", "first"]);
    revoke(&root);
    edit(&root.join("resources/household.yaml"), "title:", "titel:");
    git(repository, &["add", "."]);
    git(repository, &["commit", "-q", "-m", "second"]);
    fs::write(root.join("grants/draft.yaml"), "not: committed\n").unwrap();

    let plan = datashare(repository, &["plan", "HEAD~1", "HEAD", "-o", "json"]);
    assert_eq!(plan.code, 0, "{}", plan.messages);
    assert!(plan.messages.contains("HEAD: ") && !plan.messages.contains("HEAD~1: "), "{}", plan.messages);
    let plan = plan.json();
    assert_eq!((plan["old"].as_str(), plan["new"].as_str()), (Some("HEAD~1"), Some("HEAD")));
    let revocations = plan["revocations"].as_array().unwrap();
    assert_eq!((revocations.len(), &revocations[0]["change"]), (1, &"Added".into()));
    assert_eq!(revocations[0]["clause"], "4.3.2");

    let back = datashare(&root, &["plan", "HEAD", "HEAD~1"]);
    assert!(back.code == 0 && back.out.contains("revives nothing"), "{}", back.out);
    let mixed = datashare(repository, &["plan", "HEAD~1", "jinan", "--dir", "jinan", "-o", "json"]);
    assert_eq!(mixed.json()["revocations"].as_array().unwrap().len(), 1);
    let status = run(Command::new("git").args(["status", "--short"]).current_dir(repository));
    assert_eq!(status.out.trim(), "?? jinan/grants/draft.yaml");

    let comment = datashare(repository, &["plan", "HEAD~1", "HEAD", "-o", "markdown"]).out;
    assert!(comment.starts_with("### Who gains or loses what"), "{comment}");
    assert!(comment.contains("超范围\\|使用") && comment.contains("@\u{200b}小组"), "{comment}");
}

#[test]
fn several_directories_must_be_told_apart() {
    let (_place, root) = jinan();
    let repository = root.parent().unwrap();
    fs::create_dir(repository.join("other")).unwrap();
    fs::write(repository.join("other/datashare.yaml"), "site: other\n").unwrap();
    git(repository, &["init", "-q", "-b", "main"]);
    git(repository, &["add", "."]);
    git(repository, &["commit", "-q", "-m", "first"]);
    let ran = datashare(repository, &["plan", "HEAD", "HEAD"]);
    assert!(ran.code == 2 && ran.messages.contains("--dir") && ran.messages.contains("other"), "{}", ran.messages);
    assert_eq!(datashare(repository, &["plan", "HEAD", "HEAD", "--dir", "jinan"]).code, 0);
    assert_eq!(datashare(&root, &["plan", "HEAD", "HEAD"]).code, 0, "the one we stand in");
}
