//! A copy of the example to work in, and the commands as a user would give them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::{Args, Parser};
use datashare::approval::NAMESPACE;
use datashare::cli::approve::{self, ApproveArgs, Person};
use datashare::cli::digest::{self, DigestArgs};
use datashare::cli::statement::{self, StatementArgs};
use datashare::cli::world::World;
use datashare::clock::Clock;
use datashare::judge::facts::Key;
use datashare::judge::index::Standing;
use datashare::judge::ledger::Ledger;
use datashare::judge::reason::Reason;
use tempfile::TempDir;

use crate::folder::copy;

/// The moment at which everything happens.
pub const NOW: &str = "2026-11-24T10:00:00+08:00";

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: u8,
    pub out: String,
    pub messages: String,
}

#[derive(Parser)]
struct Line<A: Args> {
    #[command(flatten)]
    args: A,
}

pub struct Site {
    dir: TempDir,
}

impl Site {
    pub fn copy() -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jinan"), dir.path());
        Self { dir }
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    pub fn read(&self, relative: &str) -> String {
        std::fs::read_to_string(self.path(relative)).unwrap()
    }

    /// Changes a file's text, and insists that there is something to change.
    pub fn edit(&self, relative: &str, from: &str, to: &str) {
        let text = self.read(relative);
        assert!(text.contains(from), "{relative} has no {from}");
        std::fs::write(self.path(relative), text.replacen(from, to, 1)).unwrap();
    }

    pub fn grants(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.path("grants")).unwrap();
        names.map(|entry| format!("grants/{}", entry.unwrap().file_name().to_str().unwrap())).collect()
    }

    fn absolute(&self, files: &[&str]) -> Vec<String> {
        let at = |file: &&str| {
            if file.contains(".yaml") { self.path(file).display().to_string() } else { (*file).to_owned() }
        };
        files.iter().map(at).collect()
    }

    pub fn digest(&self, files: &[&str]) -> Said {
        let args = parse::<DigestArgs>(&self.absolute(files));
        say(|out, messages| digest::run(&args, &clock(), out, messages))
    }

    pub fn statement(&self, grant: &str, role: &str, principal: &str, at: &str) -> Vec<u8> {
        let grant = self.path(grant).display().to_string();
        let words = [&grant, "--role", role, "--principal", principal, "--approved-at", at].map(str::to_owned);
        let mut out = Vec::new();
        assert_eq!(statement::run(&parse::<StatementArgs>(&words), &clock(), &mut out).unwrap(), 0);
        out
    }

    /// With the demo key of the principal and without questions.
    pub fn approve(&self, words: &[&str]) -> Said {
        let who = words.iter().skip_while(|word| **word != "--principal").nth(1).unwrap();
        let key = self.path(&format!("demo-keys/{who}")).display().to_string();
        self.approve_as(&[words, &["--yes", "--key", &key]].concat(), None)
    }

    /// With all demo keys at hand as in `~/.ssh`.
    pub fn approve_without_key(&self, words: &[&str]) -> Said {
        self.approve_as(&[words, &["--yes"]].concat(), None)
    }

    pub fn approve_as(&self, words: &[&str], answer: Option<bool>) -> Said {
        let args = parse::<ApproveArgs>(&self.absolute(words));
        let keys = ["leader@registration", "share@bigdata", "director@registration"];
        let mut person = Person {
            agent: None,
            keys: keys.map(|key| self.path(&format!("demo-keys/{key}.jinan"))).into(),
            passphrase: &mut |_| None,
            agrees: &mut || answer,
        };
        say(|out, messages| approve::run(&args, &clock(), &mut person, out, messages))
    }

    /// Why a grant of the registration centre does not serve; `None` when it does.
    pub fn reason(&self, grant: &str) -> Option<Reason> {
        let now = clock().now();
        let world = World::load(self.dir.path(), Ledger::default(), now).unwrap();
        match world.index.standing(&Key::new("jinan-registration", grant), now).expect("the grant is there") {
            Standing::Serves => None,
            Standing::Refused(finding) => Some(finding.reason),
        }
    }

    pub fn keygen_verifies(&self, principal: &str, signature: &str, statement: &[u8]) -> bool {
        let file = self.path("signature");
        std::fs::write(&file, signature).unwrap();
        let mut child = Command::new("ssh-keygen")
            .args(["-Y", "verify", "-n", NAMESPACE, "-I", principal, "-f"])
            .arg(self.path("allowed_signers"))
            .arg("-s")
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("ssh-keygen is part of the test tools: install openssh-client");
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), statement).unwrap();
        child.wait().unwrap().success()
    }
}

/// The signatures in a grant's text, in their order.
pub fn signatures(text: &str) -> Vec<String> {
    let plain: String = text.lines().map(|line| format!("{}\n", line.trim_start())).collect();
    let ends = plain.match_indices("-----END SSH SIGNATURE-----\n").map(|(at, end)| at + end.len());
    plain.match_indices("-----BEGIN SSH").map(|(at, _)| at).zip(ends).map(|(from, to)| plain[from..to].into()).collect()
}

fn clock() -> Clock {
    Clock::manual(NOW.parse().unwrap())
}

fn parse<A: Args>(words: &[String]) -> A {
    let line = std::iter::once("datashare").chain(words.iter().map(String::as_str));
    Line::<A>::try_parse_from(line).unwrap_or_else(|error| panic!("{error}")).args
}

fn say<E: std::error::Error>(run: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>) -> Result<u8, E>) -> Said {
    let (mut out, mut messages) = (Vec::new(), Vec::new());
    let code = run(&mut out, &mut messages).unwrap_or_else(|error| {
        messages.extend(error.to_string().bytes());
        2
    });
    Said { code, out: String::from_utf8(out).unwrap(), messages: String::from_utf8(messages).unwrap() }
}
