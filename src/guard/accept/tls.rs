//! The guard's own certificate.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// A certificate with its key, ready to serve both protocols.
#[derive(Clone)]
pub struct ServerTls(pub(in crate::guard) TlsAcceptor);

/// The certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ServerTlsError {
    #[error("cannot read {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} holds no certificate in PEM form", path.display())]
    NoCertificate { path: PathBuf },
    #[error("{} holds no private key in PEM form", path.display())]
    NoKey { path: PathBuf },
    #[error("certificate and key do not fit: {0}")]
    Unfit(#[from] rustls::Error),
}

impl ServerTls {
    /// Reads certificate chain and key, both PEM.
    pub fn load(certificates: &Path, key: &Path) -> Result<Self, ServerTlsError> {
        let read = |path: &Path| fs::read(path).map_err(|source| ServerTlsError::Io { path: path.into(), source });
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(certificates)?).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| ServerTlsError::NoCertificate { path: certificates.into() })?;
        let key = PrivateKeyDer::from_pem_slice(&read(key)?)
            .map_err(|_| ServerTlsError::NoKey { path: key.into() })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}
