//! Where a resource's provider is and how we show who we are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};

use super::{DEFAULT_TIMEOUT, Resolver, unreachable};
use crate::api::v1alpha1::validate::syntax;
use crate::delivery::secrets::Secrets;
use crate::judge::facts::Resource;
use crate::judge::refusal::Refusal;

/// How long a credential is used before it is read again.
const CURRENT: SignedDuration = SignedDuration::from_secs(10);

/// A provider, ready to be asked.
pub struct Endpoint {
    pub address: Address,
    pub tls: Option<(Arc<rustls::ClientConfig>, ServerName<'static>)>,
    pub host: HeaderValue,
    /// Path below which operations stand, without a slash at its end.
    pub base: String,
    pub credential: Option<(HeaderName, HeaderValue)>,
    pub timeout: Duration,
    read: Timestamp,
    authorities: Option<Vec<u8>>,
}

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Name(String, u16),
    Socket(SocketAddr),
}

impl Endpoint {
    pub fn of(resource: &Resource, secrets: &Secrets, resolver: Resolver, now: Timestamp) -> Result<Self, Refusal> {
        let upstream = resource.spec.interface.as_ref().map(|i| &i.upstream);
        let upstream = upstream.ok_or_else(|| unreachable("the resource has no interface"))?;
        let bad = || unreachable("the resource's upstream URL cannot be used");
        let uri: Uri = upstream.url.parse().map_err(|_| bad())?;
        let host = uri.host().ok_or_else(bad)?.to_owned();
        let https = uri.scheme_str() == Some("https");
        let sample = resolver.sample.filter(|_| is_example(&host));
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let (address, secure) = match sample {
            Some(socket) => (Address::Socket(socket), false),
            None => (Address::Name(name.clone(), port), https),
        };
        let namespace = &resource.key.namespace;
        let read = |name: &str, key: &str| {
            let missing = || unreachable("a secret that the resource's upstream needs is not there");
            secrets.read(namespace, name, key).map_err(|_| missing())
        };
        let mut authorities = None;
        let tls = if secure {
            let pem = upstream.ca_ref.as_ref().map(|r| read(&r.name, &r.key)).transpose()?;
            authorities = pem.as_ref().map(|pem| pem.expose().as_bytes().to_vec());
            let name = ServerName::try_from(name).map_err(|_| bad())?;
            Some((client_config(authorities.as_deref())?, name))
        } else {
            None
        };
        let credential = match &upstream.credential {
            Some(credential) => {
                let secret = read(&credential.secret_ref.name, &credential.secret_ref.key)?;
                let unfit = || unreachable("the upstream credential cannot stand in a header");
                let name = HeaderName::try_from(credential.header.as_str()).map_err(|_| unfit())?;
                let mut value = HeaderValue::try_from(secret.expose().as_str()).map_err(|_| unfit())?;
                value.set_sensitive(true);
                Some((name, value))
            }
            None => None,
        };
        let authority = uri.authority().map_or("", |a| a.as_str());
        let timeout = upstream.timeout.as_deref().and_then(syntax::duration);
        Ok(Self {
            address,
            tls,
            host: HeaderValue::try_from(authority).map_err(|_| bad())?,
            base: uri.path().trim_end_matches('/').to_owned(),
            credential,
            timeout: timeout.and_then(|t| Duration::try_from(t).ok()).unwrap_or(DEFAULT_TIMEOUT),
            read: now,
            authorities,
        })
    }

    /// Whether secrets were read a short while ago.
    pub fn is_current(&self, now: Timestamp) -> bool {
        let uses_secrets = self.credential.is_some() || self.authorities.is_some();
        !uses_secrets || now.duration_since(self.read).abs() < CURRENT
    }

    /// Whether idle connections of the other may be used for this one.
    pub fn same_peer(&self, other: &Self) -> bool {
        self.address == other.address
            && self.host == other.host
            && self.tls.is_some() == other.tls.is_some()
            && self.authorities == other.authorities
    }
}

fn is_example(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "example" || host.ends_with(".example")
}

fn client_config(pem: Option<&[u8]>) -> Result<Arc<rustls::ClientConfig>, Refusal> {
    let unfit = || unreachable("the certificates of caRef cannot be used");
    let mut roots = rustls::RootCertStore::empty();
    match pem {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                roots.add(certificate.map_err(|_| unfit())?).map_err(|_| unfit())?;
            }
            if roots.is_empty() {
                return Err(unfit());
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| unfit())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
