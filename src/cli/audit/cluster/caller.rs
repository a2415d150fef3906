//! Who asks: exactly as whom the kubeconfig speaks to the API server, by token, by a program that gives one, or by client
//! certificate.

use std::error::Error;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::{Request, Response};
use kube::client::ConfigExt as _;
use kube::{Client, Config};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret as _;
use tower::{Layer as _, Service as _};

use super::ClusterError;
use crate::cli::cluster::{self, NoCluster};

/// A client certificate's chain and its key, in PEM.
type Shown = (Vec<u8>, Vec<u8>);

/// The caller, and a way to the API server.
#[derive(Clone)]
pub struct Caller {
    pub client: Client,
    /// What goes with each question.
    pub authorization: Option<HeaderValue>,
    shown: Option<Arc<Shown>>,
}

impl Caller {
    pub async fn new(context: Option<&str>) -> Result<Self, ClusterError> {
        let config = cluster::config(context).await?;
        if config.auth_info.impersonate.is_some() {
            return Err(ClusterError::Impersonation);
        }
        let client = Client::try_from(config.clone()).map_err(|error| NoCluster(error.to_string()))?;
        let authorization = authorization(&config).await?;
        let shown = shown(&config)?;
        Ok(Self { client, authorization, shown: shown.map(Arc::new) })
    }

    /// TLS to a guard whose certificate is this one.
    pub fn tls(&self, certificate: &str) -> Result<Arc<ClientConfig>, String> {
        let mut roots = RootCertStore::empty();
        for believed in CertificateDer::pem_slice_iter(certificate.as_bytes()) {
            let believed = believed.map_err(|error| format!("its Lease has no certificate: {error:?}"))?;
            roots.add(believed).map_err(|error| error.to_string())?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| error.to_string())?.with_root_certificates(roots);
        let Some(shown) = &self.shown else { return Ok(Arc::new(config.with_no_client_auth())) };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&shown.0).collect();
        let chain = chain.map_err(|error| format!("the kubeconfig's client certificate: {error:?}"))?;
        let key = PrivateKeyDer::from_pem_slice(&shown.1);
        let key = key.map_err(|error| format!("the kubeconfig's client key: {error:?}"))?;
        Ok(Arc::new(config.with_client_auth_cert(chain, key).map_err(|error| error.to_string())?))
    }
}

/// What the API server would be told.
async fn authorization(config: &Config) -> Result<Option<HeaderValue>, ClusterError> {
    let unusable = |error: String| ClusterError::Credentials(error);
    let Some(layer) = config.auth_layer().map_err(|error| unusable(error.to_string()))? else { return Ok(None) };
    let told = layer.layer(Told).call(Request::new(Full::<Bytes>::default())).await;
    Ok(told.map_err(|error| unusable(error.to_string()))?.into_body())
}

/// Where a request would go, and what it would say of its sender.
#[derive(Clone)]
struct Told;

impl tower::Service<Request<Full<Bytes>>> for Told {
    type Response = Response<Option<HeaderValue>>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        std::future::ready(Ok(Response::new(request.headers().get(AUTHORIZATION).cloned())))
    }
}

/// The client certificate and its key, from the kubeconfig or the files it names.
fn shown(config: &Config) -> Result<Option<Shown>, ClusterError> {
    let info = &config.auth_info;
    let unusable = |what: &str, error: String| ClusterError::Credentials(format!("{what}: {error}"));
    let read = |what: &str, data: Option<&str>, file: Option<&String>| match (data, file) {
        (Some(data), _) => decoded(data).map(Some).map_err(|error| unusable(what, error)),
        (None, Some(file)) => std::fs::read(file).map(Some).map_err(|error| unusable(file, error.to_string())),
        (None, None) => Ok(None),
    };
    let chain =
        read("client-certificate-data", info.client_certificate_data.as_deref(), info.client_certificate.as_ref())?;
    let key = info.client_key_data.as_ref().map(|key| key.expose_secret().to_owned());
    let key = read("client-key-data", key.as_deref(), info.client_key.as_ref())?;
    Ok(chain.zip(key))
}

/// A text as kubeconfigs hold files.
pub fn decoded(data: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(data).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_a_kubeconfig_holds_is_the_file_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..50), text in "\\PC{0,20}") {
            prop_assert_eq!(decoded(&STANDARD.encode(&bytes)), Ok(bytes));
            if let Ok(bytes) = decoded(&text) {
                prop_assert_eq!(STANDARD.encode(bytes), text);
            }
        }
    }
}
