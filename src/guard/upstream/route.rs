//! The way to one resource's upstream: its base, our credential there, and the connections.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};

use super::base::Base;
use super::pool::Pool;
use crate::api::v1alpha1::common::KeyReference;
use crate::api::v1alpha1::shared_resource::Upstream;
use crate::api::v1alpha1::validate::syntax;
use crate::delivery::secrets::{SecretError, Secrets};
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
pub(super) fn credential(
    upstream: &Upstream,
    namespace: &str,
    secrets: &Secrets,
) -> Result<Option<(HeaderName, HeaderValue)>, RouteError> {
    let Some(credential) = &upstream.credential else { return Ok(None) };
    let name: HeaderName = credential.header.parse().map_err(|_| RouteError::Header)?;
    let secret = read(secrets, namespace, &credential.secret_ref).map_err(RouteError::Credential)?;
    let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| RouteError::Header)?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}

/// The certificates that the resource names.
pub(super) fn authorities(
    upstream: &Upstream,
    namespace: &str,
    secrets: &Secrets,
) -> Result<Option<Redacted<String>>, RouteError> {
    let named = upstream.ca_ref.as_ref().map(|reference| read(secrets, namespace, reference));
    named.transpose().map_err(RouteError::Authorities)
}

fn read(secrets: &Secrets, namespace: &str, reference: &KeyReference) -> Result<Redacted<String>, SecretError> {
    secrets.read(namespace, &reference.name, &reference.key)
}

/// How long one answer may take.
pub(super) fn timeout(upstream: &Upstream) -> Duration {
    let given = upstream.timeout.as_deref().and_then(syntax::duration);
    given.and_then(|time| Duration::try_from(time).ok()).unwrap_or(DEFAULT_TIMEOUT)
}
