//! The approver at a terminal: their agent, their key files, and two questions.

use std::env;
use std::path::{Path, PathBuf};

use console::Term;

use super::Person;
use crate::approval::signing::Agent;
use crate::redacted::Redacted;

/// Questions on the terminal; without one, no answers.
pub struct Terminal(Term);

impl Default for Terminal {
    fn default() -> Self {
        Self(Term::stderr())
    }
}

impl Terminal {
    /// Runs `with` with the person at this terminal.
    pub fn person<T>(&self, with: impl FnOnce(&mut Person<'_>) -> T) -> T {
        let agent = env::var_os("SSH_AUTH_SOCK").filter(|socket| !socket.is_empty());
        let home = env::var_os("HOME").map(|home| PathBuf::from(home).join(".ssh"));
        let keys = ["id_ed25519", "id_ed25519_sk", "id_ecdsa", "id_rsa"];
        with(&mut Person {
            agent: agent.map(|socket| Agent::at(Path::new(&socket))),
            keys: home.iter().flat_map(|home| keys.map(|key| home.join(key))).collect(),
            passphrase: &mut |path| self.passphrase(path),
            agrees: &mut || self.agrees(),
        })
    }

    fn passphrase(&self, path: &Path) -> Option<Redacted<String>> {
        if !self.0.is_term() {
            return None;
        }
        self.0.write_str(&format!("passphrase of {}: ", path.display())).ok()?;
        self.0.read_secure_line().ok().map(Redacted::new)
    }

    fn agrees(&self) -> Option<bool> {
        if !self.0.is_term() {
            return None;
        }
        self.0.write_str("Sign this? [y/N] ").ok()?;
        let answer = self.0.read_line().ok()?;
        Some(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "是"))
    }
}
