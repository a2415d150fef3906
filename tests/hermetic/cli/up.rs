//! `datashare up` at a terminal: what it prints, and how it ends when it cannot begin.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use datashare::delivery::state_dir::StateDir;
use unicode_width::UnicodeWidthStr;

use super::{datashare, jinan};

const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"];

fn up<'w>(words: &[&'w str]) -> Vec<&'w str> {
    ["up"].iter().chain(words).chain(&PORTS).copied().collect()
}

#[test]
fn the_table_lines_up_in_a_terminal() {
    let (place, root) = jinan();
    let mut child = Command::new(env!("CARGO_BIN_EXE_datashare"))
        .args(up(&[root.to_str().unwrap(), "--threads", "1"]))
        .current_dir(place.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let lines: Vec<String> = lines.take_while(|line| !line.starts_with("Try:")).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lines[0].starts_with("ready http://127.0.0.1:"), "{lines:?}");
    let column = |line: &str, text: &str| line.find(text).map(|at| line[..at].width());
    let heading = lines.iter().find(|line| line.starts_with("RESOURCE")).unwrap();
    let grants: Vec<_> = lines.iter().filter(|line| line.contains("济登共享")).collect();
    assert!(grants.len() > 5, "{lines:?}");
    for grant in grants {
        assert_eq!(column(grant, "济登共享"), column(heading, "SERIAL"), "{grant}");
    }
}

#[test]
fn what_cannot_be_read_is_no_refusal() {
    let (place, root) = jinan();
    let missing = datashare(place.path(), &up(&["nowhere"]));
    assert_eq!((missing.code, missing.out.as_str()), (2, ""), "{}", missing.messages);
    let bare = tempfile::tempdir().unwrap();
    let settings = datashare(place.path(), &up(&[bare.path().to_str().unwrap()]));
    assert!(settings.code == 2 && settings.messages.contains("datashare.yaml"), "{}", settings.messages);
    let state = place.path().join("held");
    let _held = StateDir::hold(&state, &root).unwrap();
    let refused = datashare(Path::new("/"), &up(&[root.to_str().unwrap(), "--state", state.to_str().unwrap()]));
    assert!(refused.code == 1 && refused.messages.contains("in use"), "{}", refused.messages);
}
