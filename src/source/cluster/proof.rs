//! How a consumer proves that its view was recent: it asks the store, past every cache, how far each kind
//! has come, and waits until it has taken in as much itself. Then the view holds everything that had
//! happened when it asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::Client;
use tokio::task::{JoinError, JoinSet};

use super::applied::Applied;
use super::endpoint::{Endpoint, Trouble};
use crate::source::change::{Version, Watched};

/// The store could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    #[error("{watched}: the API server does not say how far it has come: {cause}")]
    Unanswered { watched: Watched, cause: Trouble },
    #[error("a question to the API server was lost: {0}")]
    Lost(#[from] JoinError),
}

/// Asks for one consumer.
#[derive(Clone)]
pub struct Prover {
    client: Client,
    endpoints: Arc<[Endpoint]>,
}

impl Prover {
    pub(super) fn new(client: Client, endpoints: Arc<[Endpoint]>) -> Self {
        Self { client, endpoints }
    }

    /// How far the store has come for each kind, at a moment after this is called.
    pub async fn now(&self) -> Result<BTreeMap<Watched, Version>, ProofError> {
        let mut asked = JoinSet::new();
        for endpoint in self.endpoints.iter() {
            let (client, endpoint) = (self.client.clone(), endpoint.clone());
            asked.spawn(async move { (endpoint.watched, endpoint.version(&client).await) });
        }
        let mut versions = BTreeMap::new();
        while let Some(answered) = asked.join_next().await {
            let (watched, version) = answered?;
            let version = version.map_err(|cause| ProofError::Unanswered { watched, cause })?;
            let greatest: &mut Version = versions.entry(watched).or_default();
            *greatest = version.max(*greatest);
        }
        Ok(versions)
    }

    /// Resolves when the consumer has taken in everything that had happened when this was called.
    pub async fn prove(&self, applied: &Applied) -> Result<(), ProofError> {
        applied.reached(&self.now().await?).await;
        Ok(())
    }
}
