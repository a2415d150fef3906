//! Whom we believe to be the upstream: certificates that the resource names, or the public ones.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// The named certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("caRef names no certificate in PEM form; put the CA's certificate there")]
    NoCertificate,
    #[error("caRef holds a certificate that cannot be a CA: {0}")]
    Certificate(rustls::Error),
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// Settings for connections to an upstream whose certificates `authorities` vouch for.
pub fn client(authorities: Option<&str>) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match authorities {
        Some(pem) => named(pem)?,
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = versions.map_err(TlsError::Setup)?.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn named(pem: &str) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| TlsError::NoCertificate)?;
        roots.add(certificate).map_err(TlsError::Certificate)?;
    }
    if roots.is_empty() { Err(TlsError::NoCertificate) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_named_is_not_everything_believed() {
        assert!(matches!(client(Some("")), Err(TlsError::NoCertificate)));
        assert!(matches!(client(Some("-----BEGIN CERTIFICATE-----\nx")), Err(TlsError::NoCertificate)));
        assert!(client(None).is_ok());
    }
}
