//! Watches beside the source: what only controllers want to know. Writes to our kinds' status and annotations, guards'
//! Leases, and what gateways say of our routes. Each asks for something to be looked at; none decides anything.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::coordination::v1::Lease;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource, ResourceExt};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::context::{Context, version_of};
use super::guards::GUARDS;
use crate::api::gateway::HttpRoute;
use crate::api::v1alpha1::{AccessGrant, AuditPolicy, DataShareRequest, Kind, Revocation, SharedResource};
use crate::judge::build::MANAGED_BY;
use crate::judge::facts::Key;

/// How often it is looked whether a guard has fallen silent.
const LOOK: Duration = Duration::from_secs(1);

/// Any write to an object of one kind but our own last one.
async fn writes<K>(context: Arc<Context>, kind: Kind, namespace: Option<String>)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + std::fmt::Debug + Send + 'static,
{
    let events = watcher(within::<PartialObjectMeta<K>>(&context, namespace.as_deref()), watcher::Config::default())
        .default_backoff();
    each(events, |event| {
        let (Event::Apply(object) | Event::InitApply(object) | Event::Delete(object)) = event else { return };
        let key = Key::new(object.namespace().unwrap_or_default(), object.name_any());
        let version = version_of(&object);
        context.hear(kind, version);
        if !context.is_echo(kind, &key, version) {
            context.touch(kind, key);
        }
    })
    .await;
}

/// All of these kinds, in some namespaces or everywhere.
pub async fn objects(context: Arc<Context>, namespaces: Vec<String>, stop: CancellationToken) {
    let mut all = JoinSet::new();
    for place in places(namespaces) {
        all.spawn(writes::<SharedResource>(context.clone(), Kind::SharedResource, place.clone()));
        all.spawn(writes::<DataShareRequest>(context.clone(), Kind::DataShareRequest, place.clone()));
        all.spawn(writes::<AccessGrant>(context.clone(), Kind::AccessGrant, place.clone()));
        all.spawn(writes::<AuditPolicy>(context.clone(), Kind::AuditPolicy, place.clone()));
        all.spawn(writes::<Revocation>(context.clone(), Kind::Revocation, place));
    }
    // dropping the set ends them all
    stop.cancelled().await;
}

/// Guards' Leases, and guards that fall silent.
pub async fn guards(context: Arc<Context>, namespace: String, stop: CancellationToken) {
    let api: Api<Lease> = Api::namespaced(context.client.clone(), &namespace);
    let events = watcher(api, watcher::Config::default().labels(GUARDS)).default_backoff();
    let mut listed = Vec::new();
    let follow = each(events, |event| {
        match event {
            Event::Init => listed.clear(),
            Event::InitApply(lease) => {
                listed.push(lease.name_any());
                context.guards.put(&lease);
            }
            Event::InitDone => context.guards.only(&listed),
            Event::Apply(lease) => context.guards.put(&lease),
            Event::Delete(lease) => context.guards.gone(&lease.name_any()),
        }
        context.guards.look(&context);
    });
    let silence = async {
        loop {
            tokio::time::sleep(LOOK).await;
            context.guards.look(&context);
        }
    };
    tokio::select! {
        () = follow => {}
        () = silence => {}
        () = stop.cancelled() => {}
    }
}

/// Our routes, as gateways take them and as others change them.
pub async fn routes(context: Arc<Context>, namespaces: Vec<String>, stop: CancellationToken) {
    let mut all = JoinSet::new();
    for place in places(namespaces) {
        all.spawn(routes_in(context.clone(), place));
    }
    stop.cancelled().await;
}

async fn routes_in(context: Arc<Context>, namespace: Option<String>) {
    let labels = format!("{}={}", MANAGED_BY.0, MANAGED_BY.1);
    let routes = within::<HttpRoute>(&context, namespace.as_deref());
    let events = watcher(routes, watcher::Config::default().labels(&labels)).default_backoff();
    each(events, |event| {
        let (Event::Apply(route) | Event::InitApply(route) | Event::Delete(route)) = event else { return };
        let owner = route.owner_references().iter().find(|owner| owner.kind == Kind::SharedResource.name());
        if let Some(owner) = owner {
            let key = Key::new(route.namespace().unwrap_or_default(), owner.name.as_str());
            context.touch(Kind::SharedResource, key);
        }
    })
    .await;
}

/// Some namespaces, or all at once.
fn places(namespaces: Vec<String>) -> Vec<Option<String>> {
    if namespaces.is_empty() { vec![None] } else { namespaces.into_iter().map(Some).collect() }
}

fn within<K: Resource<DynamicType = (), Scope = NamespaceResourceScope>>(
    context: &Context,
    namespace: Option<&str>,
) -> Api<K> {
    match namespace {
        Some(namespace) => Api::namespaced(context.client.clone(), namespace),
        None => Api::all(context.client.clone()),
    }
}

/// Every event of a watch; errors are said and followed by another attempt.
async fn each<K>(events: impl Stream<Item = watcher::Result<Event<K>>>, mut take: impl FnMut(Event<K>)) {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => take(event),
            Err(error) => tracing::warn!("a watch was interrupted: {error}"),
        }
    }
}
