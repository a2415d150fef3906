//! The directory as a source, on small trees.

use std::os::unix::fs::symlink;

use super::*;

#[test]
fn knows_what_counts() {
    assert_eq!(Role::of("datashare.yaml"), Role::Settings);
    assert_eq!(Role::of("allowed_signers"), Role::Signers);
    assert_eq!(Role::of("a/b.yaml"), Role::Objects);
    assert_eq!(Role::of("a/b.yml"), Role::Objects);
    for other in ["a/.b.yaml", ".git/a.yaml", "a.yaml~", "a.yaml.swp", "README.md", "yaml", "a/allowed_signers"] {
        assert_eq!(Role::of(other), Role::Other, "{other}");
    }
}

#[test]
fn is_not_led_outside_or_blocked() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.yaml"), "a: 1\n").unwrap();
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("in.txt"), "a: 1\n").unwrap();
    symlink(outside.path().join("x.yaml"), root.path().join("out.yaml")).unwrap();
    symlink(root.path().join("in.txt"), root.path().join("in.yaml")).unwrap();
    symlink(outside.path(), root.path().join("dir")).unwrap();
    symlink("loop.yaml", root.path().join("loop.yaml")).unwrap();
    fs::write(root.path().join("latin.yaml"), b"a: \xe9\n").unwrap();
    let fifo = root.path().join("pipe.yaml");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
    let directory = Directory::open(root.path()).unwrap();
    assert!(matches!(directory.read("out.yaml"), Seen::Absent));
    assert!(matches!(directory.read("loop.yaml"), Seen::Absent));
    assert!(matches!(directory.read("pipe.yaml"), Seen::Absent));
    assert!(matches!(directory.read("none.yaml"), Seen::Absent));
    assert!(matches!(directory.read("in.yaml"), Seen::Text(_, text) if text == "a: 1\n"));
    assert!(matches!(directory.read("latin.yaml"), Seen::Unreadable(..)));
    let mut walk = Walk::below("");
    let mut files = Vec::new();
    while let Some(entry) = walk.step(&directory) {
        match entry {
            Entry::Directory(path) => walk.enter(&directory, path),
            Entry::File(path, _) => files.push(path),
        }
    }
    files.sort();
    assert_eq!(files, ["in.yaml", "latin.yaml", "out.yaml"]);
}

#[test]
fn a_root_that_is_not_there_is_an_error_with_its_name() {
    let error = Directory::open(Path::new("/nonexistent/here")).unwrap_err().to_string();
    assert!(error.starts_with("/nonexistent/here: "), "{error}");
}
