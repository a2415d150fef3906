//! Signing through a real ssh-agent.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use datashare::approval::signing::{Agent, SigningError, SigningKey};
use datashare::approval::sshsig::verify;

use super::openssh::OpenSsh;
use super::{ACCEPTED, MESSAGE};

struct RunningAgent {
    child: Child,
    socket: PathBuf,
}

impl RunningAgent {
    fn start(ssh: &OpenSsh) -> Self {
        let socket = ssh.path("agent");
        let child = Command::new("ssh-agent").args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).spawn().unwrap();
        let agent = Self { child, socket };
        // -D prints before it listens, so the socket itself is the sign of life
        while !agent.socket.exists() {
            std::thread::yield_now();
        }
        agent
    }

    fn add(&self, key: &std::path::Path) {
        let status = Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &self.socket).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for RunningAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_key_type_signs_through_the_agent_by_its_public_half() {
    let ssh = OpenSsh::new();
    let running = RunningAgent::start(&ssh);
    let agent = Agent::at(&running.socket);
    for (kind, bits, algorithm) in ACCEPTED {
        let key = ssh.key(kind, bits, "");
        let public = key.with_extension("pub");
        running.add(&key);
        std::fs::remove_file(&key).unwrap();
        let signed = SigningKey::open(&public, Some(&agent), &mut |_| None).unwrap().sign(MESSAGE).unwrap();
        assert_eq!(verify(&signed, MESSAGE).unwrap().algorithm, algorithm, "RSA must come back with SHA-512");
        std::fs::remove_file(&public).unwrap();
    }
    assert_eq!(agent.keys().unwrap().len(), ACCEPTED.len());
}

#[test]
fn a_locked_key_that_the_agent_holds_asks_for_no_passphrase() {
    let ssh = OpenSsh::new();
    let running = RunningAgent::start(&ssh);
    let key = ssh.key("ed25519", "256", "");
    running.add(&key);
    let locked =
        Command::new("ssh-keygen").args(["-q", "-p", "-P", "", "-N", "locked", "-f"]).arg(&key).output().unwrap();
    assert!(locked.status.success());
    let agent = Agent::at(&running.socket);
    let opened = SigningKey::open(&key, Some(&agent), &mut |_| panic!("asked")).unwrap();
    assert!(verify(&opened.sign(MESSAGE).unwrap(), MESSAGE).is_ok());
}

#[test]
fn a_key_that_nobody_holds_is_named_with_its_mend() {
    let ssh = OpenSsh::new();
    let running = RunningAgent::start(&ssh);
    let key = ssh.key("ed25519", "256", "");
    let public = ssh.write("alone.pub", &OpenSsh::public(&key));
    let agent = Agent::at(&running.socket);
    let absent = SigningKey::open(&public, Some(&agent), &mut |_| None).unwrap_err();
    assert!(matches!(absent, SigningError::NotInAgent(_)), "{absent}");
    let no_agent = SigningKey::open(&public, None, &mut |_| None).unwrap_err();
    assert!(matches!(no_agent, SigningError::NoAgent), "{no_agent}");
    let dead = SigningKey::open(&public, Some(&Agent::at(&ssh.path("nowhere"))), &mut |_| None).unwrap_err();
    assert!(matches!(dead, SigningError::Agent(_)), "{dead}");
    // the private half beside the .pub serves as well
    assert!(SigningKey::open(&key.with_extension("pub"), Some(&agent), &mut |_| None).is_ok());
}
