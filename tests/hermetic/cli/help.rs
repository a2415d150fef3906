//! Usage: help, version, completion, wrong words, and the plugin's name.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{datashare, run};

#[test]
fn every_command_explains_itself() {
    let here = Path::new(".");
    let help = datashare(here, &["--help"]);
    assert_eq!(help.code, 0);
    for command in ["get", "token", "check", "plan", "revoke", "audit", "completion"] {
        assert!(help.out.contains(command), "{command}");
        let own = datashare(here, &[command, "--help"]);
        assert_eq!(own.code, 0, "{command}");
        assert!(own.out.contains("Usage:") && own.messages.is_empty(), "{command}");
    }
    let version = datashare(here, &["--version"]);
    assert_eq!((version.code, version.out.trim()), (0, concat!("datashare ", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn wrong_words_are_usage() {
    for words in
        [&["nothing"][..], &["check"], &["get", "pods"], &["token", "no-namespace"], &["check", "--colour", "."]]
    {
        let ran = datashare(Path::new("."), words);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{words:?}");
        assert!(!ran.messages.is_empty(), "{words:?}");
    }
}

#[test]
fn every_command_shows_how_it_is_used() {
    for command in ["up", "get", "token", "check", "plan", "digest", "statement", "approve", "revoke", "crds"] {
        let own = datashare(Path::new("."), &[command, "--help"]);
        assert!(own.out.contains("Example"), "{command}");
        // a usage line is never broken
        let text = own.out.lines().filter(|line| !line.starts_with("Usage:"));
        let long: Vec<_> = text.filter(|line| line.chars().count() > 100).collect();
        assert!(long.is_empty(), "{command}: {long:?}");
    }
}

#[test]
fn a_misspelt_kind_is_answered_with_the_nearest() {
    let ran = datashare(Path::new("."), &["get", "accesgrants"]);
    assert!(ran.code == 2 && ran.messages.contains("a similar value exists: 'accessgrants'"), "{}", ran.messages);
}

#[test]
fn a_plugin_has_the_same_commands() {
    let place = tempfile::tempdir().unwrap();
    let plugin = place.path().join("kubectl-datashare");
    symlink(env!("CARGO_BIN_EXE_datashare"), &plugin).unwrap();
    let help = run(Command::new(&plugin).arg("--help"));
    assert!(help.code == 0 && help.out.contains("kubectl datashare"), "{}", help.out);
    let script = run(Command::new(&plugin).args(["completion", "bash"]));
    assert!(script.code == 0 && script.out.contains("kubectl-datashare"), "{}", script.messages);
}

#[test]
fn shells_learn_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = datashare(Path::new("."), &["completion", shell]);
        assert!(script.code == 0 && script.out.contains("revoke"), "{shell}");
        for value in ["markdown", "Handover", "consent"] {
            assert!(script.out.contains(value), "{shell} {value}");
        }
        // fish gets the values of options only
        assert!(shell == "fish" || script.out.contains("datasharerequests"), "{shell}");
    }
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_datashare"))
        .args(["completion", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
}
