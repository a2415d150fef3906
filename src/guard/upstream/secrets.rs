//! Our credentials at the upstreams: files of the state directory, or in a cluster Secrets of the guard's
//! own namespace, one `get` each and never a list. A Secret is read again after some seconds; while the API
//! server does not answer, the last value serves a little longer.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::api::v1alpha1::common::KeyReference;
use crate::clock::Stopwatch;
use crate::delivery::secrets::{SecretError as FileError, Secrets as Files};
use crate::redacted::Redacted;

/// A changed Secret takes effect after this time.
const FRESH: Duration = Duration::from_secs(5);
/// A Secret that cannot be asked for serves for so long; the guard's whole view is older by then.
const USABLE: Duration = Duration::from_mins(1);
/// A Secret that was not there is not asked for by every call.
const AGAIN: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(3);
/// Secrets that are kept; more than upstreams of a site have.
const MOST: usize = 4096;

/// A secret that cannot be had. Never holds any of its bytes.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(
        "there is no Secret {0}; create it in the guard's namespace, named after the provider's namespace and the reference"
    )]
    Absent(String),
    #[error("the Secret {name} has no key `{key}` with text in it")]
    Key { name: String, key: String },
    #[error("the Secret {name} cannot be asked for: {cause}")]
    Server { name: String, cause: String },
}

/// Where secrets are.
#[derive(Clone)]
pub enum Secrets {
    Files(Files),
    Cluster(Box<ClusterSecrets>),
}

impl From<Files> for Secrets {
    fn from(files: Files) -> Self {
        Self::Files(files)
    }
}

impl Secrets {
    /// What a reference of an object in `namespace` means.
    pub async fn read(&self, namespace: &str, reference: &KeyReference) -> Result<Redacted<String>, SecretError> {
        match self {
            Self::Files(files) => Ok(files.read(namespace, &reference.name, &reference.key)?),
            Self::Cluster(secrets) => secrets.read(namespace, reference).await,
        }
    }
}

/// The Secrets of the guard's own namespace, named `<provider's namespace>.<name>`; clones are the same.
#[derive(Clone)]
pub struct ClusterSecrets {
    api: Api<Secret>,
    /// Connections to the API server live there, and not on the worker that asks.
    runtime: Handle,
    known: Arc<Mutex<HashMap<String, Arc<Entry>>>>,
}

/// One Secret; whoever asks for it first asks for all.
#[derive(Default)]
struct Entry(tokio::sync::Mutex<Known>);

#[derive(Default)]
struct Known {
    read: Option<Read>,
    /// Why it was not there when it was last asked for.
    failed: Option<(Failed, Stopwatch)>,
}

#[derive(Clone)]
struct Read {
    data: Arc<BTreeMap<String, Redacted<String>>>,
    at: Stopwatch,
}

#[derive(Clone)]
enum Failed {
    Absent,
    Unanswered(String),
}

impl ClusterSecrets {
    #[must_use]
    pub fn new(client: Client, namespace: &str, runtime: Handle) -> Self {
        Self { api: Api::namespaced(client, namespace), runtime, known: Arc::default() }
    }

    async fn read(&self, namespace: &str, reference: &KeyReference) -> Result<Redacted<String>, SecretError> {
        let name = format!("{namespace}.{}", reference.name);
        let entry = self.entry(&name);
        let mut known = entry.0.lock().await;
        let read = match self.current(&name, &mut known).await {
            Ok(read) => read,
            Err(Failed::Absent) => return Err(SecretError::Absent(name)),
            Err(Failed::Unanswered(cause)) => return Err(SecretError::Server { name, cause }),
        };
        let text = read.data.get(&reference.key).filter(|text| !text.expose().is_empty()).cloned();
        text.ok_or_else(|| SecretError::Key { name, key: reference.key.clone() })
    }

    async fn current(&self, name: &str, known: &mut Known) -> Result<Read, Failed> {
        if let Some(read) = known.read.as_ref().filter(|read| read.at.elapsed() < FRESH) {
            return Ok(read.clone());
        }
        let recent = known.failed.as_ref().filter(|(_, at)| at.elapsed() < AGAIN).map(|(failed, _)| failed.clone());
        let asked = match recent {
            Some(failed) => Err(failed),
            None => self.get(name).await,
        };
        match asked {
            Ok(read) => {
                *known = Known { read: Some(read.clone()), failed: None };
                Ok(read)
            }
            Err(failed) => {
                let older = known.read.take().filter(|read| read.at.elapsed() < USABLE);
                if known.failed.as_ref().is_none_or(|(_, at)| at.elapsed() >= AGAIN) {
                    known.failed = Some((failed.clone(), Stopwatch::start()));
                }
                match failed {
                    Failed::Absent => Err(failed),
                    Failed::Unanswered(_) => {
                        known.read.clone_from(&older);
                        older.ok_or(failed)
                    }
                }
            }
        }
    }

    fn entry(&self, name: &str) -> Arc<Entry> {
        let mut known = self.known.lock();
        if known.len() >= MOST && !known.contains_key(name) {
            known.clear();
        }
        known.entry(name.to_owned()).or_default().clone()
    }

    async fn get(&self, name: &str) -> Result<Read, Failed> {
        let (api, wanted) = (self.api.clone(), name.to_owned());
        let asked = self.runtime.spawn(async move { tokio::time::timeout(PATIENCE, api.get_opt(&wanted)).await });
        let answered = asked.await.map_err(|error| Failed::Unanswered(error.to_string()))?;
        let found = answered.map_err(|_| Failed::Unanswered("no answer in time".to_owned()))?;
        let secret: Secret = found.map_err(|error| Failed::Unanswered(error.to_string()))?.ok_or(Failed::Absent)?;
        let text = |(key, bytes): (String, ByteString)| {
            let text = String::from_utf8(bytes.0).ok()?;
            Some((key, Redacted::new(text.trim_end_matches(['\n', '\r']).to_owned())))
        };
        let data = secret.data.into_iter().flatten().filter_map(text).collect();
        Ok(Read { data: Arc::new(data), at: Stopwatch::start() })
    }
}
