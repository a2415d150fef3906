//! The way to one resource's upstream: its base, our credential there, and the connections.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};

use super::base::Base;
use super::pool::Pool;
use super::secrets::{SecretError, Secrets};
use crate::api::v1alpha1::shared_resource::Upstream;
use crate::api::v1alpha1::validate::syntax;
use crate::redacted::Redacted;

/// Time for one answer when the resource says nothing.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Everything that does not change from call to call.
#[derive(Debug)]
pub struct Route {
    pub base: Base,
    pub credential: Option<(HeaderName, HeaderValue)>,
    pub timeout: Duration,
    pub(super) pool: Arc<Pool>,
}

/// Why there is no way to the upstream.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    #[error("spec.interface.upstream.url cannot be read")]
    Url,
    #[error("spec.interface.upstream.credential: its name or its secret has characters that no header may have")]
    Header,
    #[error("spec.interface.upstream.credential: {0}")]
    Credential(SecretError),
    #[error("spec.interface.upstream.caRef: {0}")]
    Authorities(SecretError),
    #[error(transparent)]
    Tls(#[from] super::tls::TlsError),
}

/// The header that shows the upstream who we are.
pub(super) async fn credential(
    upstream: &Upstream,
    namespace: &str,
    secrets: &Secrets,
) -> Result<Option<(HeaderName, HeaderValue)>, RouteError> {
    let Some(credential) = &upstream.credential else { return Ok(None) };
    let name: HeaderName = credential.header.parse().map_err(|_| RouteError::Header)?;
    let secret = secrets.read(namespace, &credential.secret_ref).await.map_err(RouteError::Credential)?;
    let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| RouteError::Header)?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}

/// The certificates that the resource names.
pub(super) async fn authorities(
    upstream: &Upstream,
    namespace: &str,
    secrets: &Secrets,
) -> Result<Option<Redacted<String>>, RouteError> {
    let Some(reference) = &upstream.ca_ref else { return Ok(None) };
    secrets.read(namespace, reference).await.map(Some).map_err(RouteError::Authorities)
}

/// How long one answer may take.
pub(super) fn timeout(upstream: &Upstream) -> Duration {
    let given = upstream.timeout.as_deref().and_then(syntax::duration);
    given.and_then(|time| Duration::try_from(time).ok()).unwrap_or(DEFAULT_TIMEOUT)
}
