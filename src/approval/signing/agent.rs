//! The way to ssh-agent: which keys it holds, and one signature at a time. RSA keys are asked for
//! SHA-512; every wait ends, with room for a touch or a confirmation.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ssh_agent_client_rs::{Client, Error, Identity};
use ssh_key::{PublicKey, Signature};

use super::{SigningError, SigningKey, Via};
use crate::approval::sshsig::KeyId;

/// Long enough to find the security key and touch it.
const PATIENCE: Duration = Duration::from_mins(2);

/// Where the agent listens.
#[derive(Clone, Debug)]
pub struct Agent {
    socket: PathBuf,
}

impl Agent {
    /// The agent behind this socket, usually the one that `SSH_AUTH_SOCK` names.
    #[must_use]
    pub fn at(socket: &Path) -> Self {
        Self { socket: socket.into() }
    }

    /// Every key in the agent that could sign an approval.
    pub fn keys(&self) -> Result<Vec<SigningKey>, SigningError> {
        let keys = self.public_keys()?;
        Ok(keys.into_iter().filter_map(|key| SigningKey::new(key, Via::Agent(self.clone())).ok()).collect())
    }

    pub(super) fn holds(&self, id: &KeyId) -> Result<bool, SigningError> {
        let keys = self.public_keys()?;
        Ok(keys.iter().any(|key| key.to_bytes().is_ok_and(|blob| KeyId::of_blob(&blob) == *id)))
    }

    pub(super) fn sign(&self, key: &PublicKey, id: &KeyId, data: &[u8]) -> Result<Signature, SigningError> {
        self.client()?.sign(key, data).map_err(|error| match error {
            Error::RemoteFailure => SigningError::AgentRefused(*id),
            other => SigningError::Agent(other.to_string()),
        })
    }

    fn public_keys(&self) -> Result<Vec<PublicKey>, SigningError> {
        let identities =
            self.client()?.list_all_identities().map_err(|error| SigningError::Agent(error.to_string()))?;
        Ok(identities
            .into_iter()
            .filter_map(|identity| match identity {
                Identity::PublicKey(key) => Some(key.into_owned()),
                Identity::Certificate(_) => None,
            })
            .collect())
    }

    fn client(&self) -> Result<Client, SigningError> {
        let stream = UnixStream::connect(&self.socket).and_then(|stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(stream)
        });
        let stream = stream.map_err(|error| SigningError::Agent(format!("{}: {error}", self.socket.display())))?;
        Ok(Client::with_read_write(Box::new(stream)))
    }
}
