//! Both sides' certificates at the auditors' door. The guard's own is made anew at each start and told of in its Lease,
//! which nobody else can write: whoever finds the guard there believes this certificate and no other. Clients may show
//! one of an authority that the API server believes.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use parking_lot::Mutex;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::identity::PATIENCE;
use super::wire::SERVER_NAME;
use crate::clock::Stopwatch;

/// Where a cluster says which authorities its API server believes, and under which key.
const AUTHORITIES: (&str, &str, &str) = ("kube-system", "extension-apiserver-authentication", "client-ca-file");
/// It is asked again after this time.
const FRESH: Duration = Duration::from_mins(1);

/// The guard cannot prove who it is.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("no certificate can be made: {0}")]
    Made(#[from] rcgen::Error),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the authorities of client certificates cannot be used: {0}")]
    Clients(#[from] rustls::server::VerifierBuilderError),
}

/// The certificate of this process.
pub struct Own {
    chain: Vec<CertificateDer<'static>>,
    key: PrivatePkcs8KeyDer<'static>,
    /// As it is told of.
    pub pem: String,
}

impl Own {
    pub fn make() -> Result<Self, CertificateError> {
        let made = rcgen::generate_simple_self_signed([SERVER_NAME.to_owned()])?;
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        Ok(Self { chain: vec![made.cert.der().clone()], key, pem: made.cert.pem() })
    }

    /// How connections are taken; without authorities no client certificate counts.
    pub(super) fn server(&self, clients: Option<Arc<RootCertStore>>) -> Result<Arc<ServerConfig>, CertificateError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let config = match clients {
            Some(roots) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).allow_unauthenticated();
                config.with_client_cert_verifier(verifier.build()?)
            }
            None => config.with_no_client_auth(),
        };
        let key = PrivateKeyDer::Pkcs8(self.key.clone_key());
        Ok(Arc::new(config.with_single_cert(self.chain.clone(), key)?))
    }
}

/// Authorities of client certificates, as the cluster says.
pub(super) struct Authority {
    maps: Api<ConfigMap>,
    known: Mutex<Option<(Option<Arc<RootCertStore>>, Stopwatch)>>,
}

impl Authority {
    pub fn new(client: Client) -> Self {
        Self { maps: Api::namespaced(client, AUTHORITIES.0), known: Mutex::new(None) }
    }

    /// Those of a minute ago at most, or the last that were told: the API server is asked about every identity anyway.
    pub async fn roots(&self) -> Option<Arc<RootCertStore>> {
        let known = self.known.lock().clone();
        if let Some((roots, at)) = &known
            && at.elapsed() < FRESH
        {
            return roots.clone();
        }
        let Ok(Ok(map)) = tokio::time::timeout(PATIENCE, self.maps.get_opt(AUTHORITIES.1)).await else {
            return known.and_then(|(roots, _)| roots);
        };
        let text = map.and_then(|map| map.data?.remove(AUTHORITIES.2));
        let roots = text.and_then(|text| read(&text));
        *self.known.lock() = Some((roots.clone(), Stopwatch::start()));
        roots
    }
}

/// Nothing where there is no authority that can be understood.
fn read(pem: &str) -> Option<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok);
    roots.add_parsable_certificates(certificates);
    (!roots.is_empty()).then(|| Arc::new(roots))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_believed_gives_no_authority() {
        assert!(read("").is_none() && read("-----BEGIN CERTIFICATE-----\nx").is_none());
        let own = Own::make().unwrap();
        assert_eq!(read(&own.pem).unwrap().len(), 1);
        assert!(own.server(None).is_ok());
        assert!(own.server(read(&own.pem)).is_ok());
    }
}
