//! The ways to all upstreams, worked out when first needed, again when the resource changes, and again
//! after a while where secrets are part of them. Resources with the same upstream share connections.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::base::Base;
use super::connect::Connector;
use super::failure::Failure;
use super::pool::Pool;
use super::route::{self, Route, RouteError};
use super::secrets::Secrets;
use super::tls;
use crate::approval::canonical::Digest;
use crate::clock::Stopwatch;
use crate::guard::limits::UpstreamLimits;
use crate::judge::facts::{Key, Resource};

/// A changed secret takes effect after this time.
const SECRETS_FOR: Duration = Duration::from_secs(5);

/// Where hosts below `.example` (RFC 2606) are answered: by the built-in sample, if there is one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resolver {
    pub sample: Option<SocketAddr>,
}

/// One worker's ways.
#[derive(Default)]
pub struct Routes {
    known: Mutex<HashMap<Key, Known>>,
    pools: Mutex<HashMap<Origin, Weak<Pool>>>,
}

struct Known {
    resource: Arc<Resource>,
    route: Arc<Route>,
    made: Stopwatch,
    has_secrets: bool,
}

/// What connections may be shared by.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Origin {
    secure: bool,
    host: Box<str>,
    port: u16,
    authorities: Option<[u8; 32]>,
}

impl Routes {
    /// The way to a resource's upstream.
    pub async fn find(
        &self,
        resource: &Arc<Resource>,
        secrets: &Secrets,
        resolver: Resolver,
        limits: UpstreamLimits,
    ) -> Result<Arc<Route>, Failure> {
        if let Some(route) = self.known(resource) {
            return Ok(route);
        }
        // no lock is held while a secret is asked for: calls of other resources go on
        match self.make(resource, secrets, resolver, limits).await {
            Ok(made) => {
                let route = made.route.clone();
                self.known.lock().insert(resource.key.clone(), made);
                Ok(route)
            }
            Err(error) => {
                self.known.lock().remove(&resource.key);
                tracing::warn!(resource = %resource.key, %error, "no way to the upstream");
                Err(Failure::NotSetUp)
            }
        }
    }

    fn known(&self, resource: &Arc<Resource>) -> Option<Arc<Route>> {
        let known = self.known.lock();
        let found = known.get(&resource.key)?;
        let recent = !found.has_secrets || found.made.elapsed() < SECRETS_FOR;
        (recent && Arc::ptr_eq(&found.resource, resource)).then(|| found.route.clone())
    }

    /// Closes connections that have waited too long, and forgets resources that `stays` does not know.
    pub fn sweep(&self, stays: impl Fn(&Key) -> bool) {
        self.known.lock().retain(|key, _| stays(key));
        self.pools.lock().retain(|_, pool| {
            pool.upgrade().is_some_and(|pool| {
                pool.sweep();
                true
            })
        });
    }

    async fn make(
        &self,
        resource: &Arc<Resource>,
        secrets: &Secrets,
        resolver: Resolver,
        limits: UpstreamLimits,
    ) -> Result<Known, RouteError> {
        let upstream = &resource.spec.interface.as_ref().ok_or(RouteError::Url)?.upstream;
        let base = Base::parse(&upstream.url).ok_or(RouteError::Url)?;
        let namespace = &resource.key.namespace;
        let credential = route::credential(upstream, namespace, secrets).await?;
        let authorities = route::authorities(upstream, namespace, secrets).await?;
        let authorities = authorities.as_ref().map(|pem| pem.expose().as_str());
        let pool = self.pool(&base, authorities, resolver, limits)?;
        let has_secrets = upstream.credential.is_some() || upstream.ca_ref.is_some();
        let route = Route { base, credential, timeout: route::timeout(upstream), pool };
        Ok(Known { resource: resource.clone(), route: Arc::new(route), made: Stopwatch::start(), has_secrets })
    }

    fn pool(
        &self,
        base: &Base,
        authorities: Option<&str>,
        resolver: Resolver,
        limits: UpstreamLimits,
    ) -> Result<Arc<Pool>, RouteError> {
        let instead = resolver.sample.filter(|_| base.is_example());
        let origin = Origin {
            secure: base.secure,
            host: base.host.clone(),
            port: base.port,
            authorities: authorities.map(|pem| *Digest::of(pem.as_bytes()).as_bytes()),
        };
        let mut pools = self.pools.lock();
        if let Some(pool) = pools.get(&origin).and_then(Weak::upgrade) {
            return Ok(pool);
        }
        let secure = base.secure && instead.is_none();
        let tls = if secure { Some(tls::client(authorities)?) } else { None };
        let (host, port, timeout) = (base.host.clone(), base.port, limits.connect);
        let pool = Arc::new(Pool::new(Connector { host, port, instead, tls, timeout }, limits));
        pools.retain(|_, pool| pool.strong_count() > 0);
        pools.insert(origin, Arc::downgrade(&pool));
        Ok(pool)
    }
}
