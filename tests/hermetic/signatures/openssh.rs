//! The installed OpenSSH, driven in a directory of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A scratch directory and the tools that work in it.
pub struct OpenSsh {
    dir: TempDir,
}

impl OpenSsh {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A fresh key; the same kind and size share one file.
    pub fn key(&self, kind: &str, bits: &str, passphrase: &str) -> PathBuf {
        let path = self.path(&format!("{kind}{bits}"));
        if !path.exists() {
            let _ = std::fs::remove_file(path.with_extension("pub"));
            run(
                Command::new("ssh-keygen")
                    .args(["-q", "-t", kind, "-b", bits, "-C", "", "-N", passphrase, "-f"])
                    .arg(&path),
                b"",
            );
        }
        path
    }

    pub fn public(key: &Path) -> String {
        std::fs::read_to_string(key.with_extension("pub")).unwrap().trim().to_owned()
    }

    pub fn fingerprint(key: &Path) -> String {
        let listing = run(Command::new("ssh-keygen").arg("-lf").arg(key.with_extension("pub")), b"");
        listing.split(' ').nth(1).unwrap().to_owned()
    }

    pub fn sign(key: &Path, namespace: &str, hash: &str, message: &[u8]) -> String {
        let hash = format!("hashalg={hash}");
        run(Command::new("ssh-keygen").args(["-Y", "sign", "-n", namespace, "-O", &hash, "-f"]).arg(key), message)
    }

    pub fn verifies(&self, allowed: &str, principal: &str, namespace: &str, signature: &str, message: &[u8]) -> bool {
        self.verifies_at(allowed, principal, namespace, signature, message, None)
    }

    /// `at` as ssh-keygen writes it, `YYYYMMDDHHMMSSZ`.
    pub fn verifies_at(
        &self,
        allowed: &str,
        principal: &str,
        namespace: &str,
        signature: &str,
        message: &[u8],
        at: Option<&str>,
    ) -> bool {
        let allowed = self.write("allowed_signers", allowed);
        let signature = self.write("signature", signature);
        let mut command = Command::new("ssh-keygen");
        command.args(["-Y", "verify", "-I", principal, "-n", namespace, "-f"]).arg(allowed).arg("-s").arg(signature);
        if let Some(at) = at {
            command.args(["-O", &format!("verify-time={at}")]);
        }
        spawn(&mut command, message).status.success()
    }
}

fn spawn(command: &mut Command, input: &[u8]) -> std::process::Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ssh-keygen is part of the test tools: install openssh-client");
    // a tool that refuses early closes its end first, which is no fault of the test
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn run(command: &mut Command, input: &[u8]) -> String {
    let output = spawn(command, input);
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
