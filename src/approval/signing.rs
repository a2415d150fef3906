//! Making a signature, with a key file or through ssh-agent. What comes out has passed the same check
//! that will judge it later, so a key that could never count is refused before anything is written.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ed25519_dalek::Signer as _;
use ssh_key::private::KeypairData;
use ssh_key::{Algorithm, PrivateKey, PublicKey, Signature};

use super::sshsig::{self, Algorithm as SigningAlgorithm, KeyId, SignatureError};
use crate::redacted::Redacted;

mod agent;
mod rsa;

pub use agent::Agent;

/// Key files are far smaller; a path given by mistake must not fill the memory.
const MAX_KEY_FILE: u64 = 64 * 1024;

/// Why no signature was made.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    #[error("cannot read the key {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{} holds no SSH key; give a key file that ssh-keygen made, or its .pub for ssh-agent", .0.display())]
    NotAKey(PathBuf),
    #[error(
        "{} cannot be read to its end: it is damaged, or an ECDSA key whose secret starts with a zero byte, \
         which the SSH library here does not read; `ssh-add` it and give its .pub instead", .0.display()
    )]
    Undecodable(PathBuf),
    #[error("{} is in an older format; `ssh-keygen -p -f` on it writes today's", .0.display())]
    OldFormat(PathBuf),
    #[error("{} is locked with a passphrase and none was given; `ssh-add` it, or run this on a terminal", .0.display())]
    Locked(PathBuf),
    #[error("the passphrase does not open {}", .0.display())]
    WrongPassphrase(PathBuf),
    #[error("{} is the stub of a security key; `ssh-add` it, so that ssh-agent can ask for the touch", .0.display())]
    SecurityKey(PathBuf),
    #[error("no ssh-agent: SSH_AUTH_SOCK is not set; start one with `eval $(ssh-agent)`, or give a key file")]
    NoAgent,
    #[error("ssh-agent does not answer as it should ({0}); check SSH_AUTH_SOCK")]
    Agent(String),
    #[error("ssh-agent does not hold the key {0}; `ssh-add` it")]
    NotInAgent(KeyId),
    #[error("ssh-agent refused to sign with {0}; it was not confirmed, or the agent is locked")]
    AgentRefused(KeyId),
    #[error("the RSA key file cannot sign here ({0}); `ssh-add` it and give its .pub instead")]
    Rsa(String),
    #[error("{0}")]
    Unacceptable(SignatureError),
    #[error("the key cannot sign: {0}")]
    Key(#[from] ssh_key::Error),
}

/// A key that can sign right now.
#[derive(Debug)]
pub struct SigningKey {
    public: PublicKey,
    blob: Vec<u8>,
    algorithm: SigningAlgorithm,
    via: Via,
}

#[derive(Debug)]
enum Via {
    File(Redacted<Box<PrivateKey>>),
    Agent(Agent),
}

impl SigningKey {
    /// Opens the private key at `path`, or finds in ssh-agent the key whose public half lies there.
    /// `passphrase` is asked at most once, and only when the agent does not hold a locked key.
    pub fn open(
        path: &Path,
        agent: Option<&Agent>,
        passphrase: &mut dyn FnMut(&Path) -> Option<Redacted<String>>,
    ) -> Result<Self, SigningError> {
        let text = read(path)?;
        if text.expose().starts_with("-----BEGIN OPENSSH PRIVATE KEY-----") {
            let key = PrivateKey::from_openssh(text.expose()).map_err(|_| SigningError::Undecodable(path.into()))?;
            return Self::from_private(path, key, agent, passphrase);
        }
        if text.expose().starts_with("-----BEGIN ") {
            return Err(SigningError::OldFormat(path.into()));
        }
        let public = PublicKey::from_openssh(text.expose().trim()).map_err(|_| SigningError::NotAKey(path.into()))?;
        let id = KeyId::of_blob(&public.to_bytes()?);
        let private = path.with_extension("");
        match agent {
            Some(agent) if agent.holds(&id)? => Self::new(public, Via::Agent(agent.clone())),
            _ if private != path && private.is_file() => Self::open(&private, agent, passphrase),
            Some(_) => Err(SigningError::NotInAgent(id)),
            None => Err(SigningError::NoAgent),
        }
    }

    fn from_private(
        path: &Path,
        key: PrivateKey,
        agent: Option<&Agent>,
        passphrase: &mut dyn FnMut(&Path) -> Option<Redacted<String>>,
    ) -> Result<Self, SigningError> {
        let public = key.public_key().clone();
        let id = KeyId::of_blob(&public.to_bytes()?);
        let token = matches!(key.algorithm(), Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256);
        if (token || key.is_encrypted())
            && let Some(agent) = agent
            && agent.holds(&id)?
        {
            return Self::new(public, Via::Agent(agent.clone()));
        }
        if token {
            return Err(SigningError::SecurityKey(path.into()));
        }
        let key = if key.is_encrypted() {
            let phrase = passphrase(path).ok_or_else(|| SigningError::Locked(path.into()))?;
            key.decrypt(phrase.expose()).map_err(|_| SigningError::WrongPassphrase(path.into()))?
        } else {
            key
        };
        Self::new(public, Via::File(Redacted::new(Box::new(key))))
    }

    fn new(public: PublicKey, via: Via) -> Result<Self, SigningError> {
        let blob = public.to_bytes()?;
        let algorithm = sshsig::acceptable(&blob).map_err(SigningError::Unacceptable)?;
        Ok(Self { public, blob, algorithm, via })
    }

    /// The algorithm and size say whether the key can count; the signer list says for whom.
    #[must_use]
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId::of_blob(&self.blob)
    }

    /// The line of a `.pub` file, for `allowed_signers`.
    #[must_use]
    pub fn public_line(&self) -> String {
        self.public.to_openssh().unwrap_or_default()
    }

    /// The armoured approval signature over `message`.
    pub fn sign(&self, message: &[u8]) -> Result<String, SigningError> {
        let data = sshsig::signed_data(message);
        let signature = match &self.via {
            Via::File(key) => match key.expose().key_data() {
                KeypairData::Rsa(pair) => rsa::sign(pair, &data)?,
                _ => key.expose().try_sign(&data).map_err(ssh_key::Error::from)?,
            },
            Via::Agent(agent) => agent.sign(&self.public, &self.id(), &data)?,
        };
        let armoured = sshsig::armour(&self.blob, &wire_form(signature)?);
        sshsig::verify(&armoured, message).map_err(SigningError::Unacceptable)?;
        Ok(armoured)
    }
}

/// Whose key file this is, without asking for a passphrase: the `.pub` beside it, or its own public half.
#[must_use]
pub fn public_id(path: &Path) -> Option<KeyId> {
    let beside = read(&path.with_added_extension("pub")).ok();
    let public = beside.and_then(|text| PublicKey::from_openssh(text.expose().trim()).ok()).or_else(|| {
        let text = read(path).ok()?;
        PrivateKey::from_openssh(text.expose()).ok().map(|key| key.public_key().clone())
    })?;
    Some(KeyId::of_blob(&public.to_bytes().ok()?))
}

fn wire_form(signature: Signature) -> Result<Vec<u8>, SigningError> {
    Ok(Vec::try_from(signature)?)
}

fn read(path: &Path) -> Result<Redacted<String>, SigningError> {
    let unreadable = |source| SigningError::Unreadable { path: path.into(), source };
    let mut text = String::new();
    File::open(path).map_err(unreadable)?.take(MAX_KEY_FILE).read_to_string(&mut text).map_err(|error| match error
        .kind()
    {
        std::io::ErrorKind::InvalidData => SigningError::NotAKey(path.into()),
        _ => unreadable(error),
    })?;
    Ok(Redacted::new(text))
}
