//! All guards whose records there are: those that have a Lease, and those that are gone but were seen by the operator.

use std::collections::BTreeSet;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::caller::Caller;
use super::{ClusterArgs, ClusterError, Published};
use crate::api::v1alpha1::AuditPolicy;
use crate::guard::inquiry::wire::{DOOR, Door};
use crate::source::cluster::told::{PREFIX, STREAM};

/// What its Lease says.
pub enum Told {
    /// There is none, or it was given up.
    Gone,
    NoDoor,
    Door(Door),
}

/// One guard.
pub struct Guard {
    pub name: String,
    /// The stream that it writes.
    pub stream: String,
    pub told: Told,
    /// Where it is reached instead.
    pub way: Option<String>,
    /// What its Lease says of that stream's record.
    pub published: Published,
}

/// All of them.
pub struct Guards {
    pub all: Vec<Guard>,
    /// What could not be looked at.
    pub note: Option<String>,
}

impl Guards {
    pub async fn find(caller: &Caller, args: &ClusterArgs, namespace: Option<&str>) -> Result<Self, ClusterError> {
        let leases: Api<Lease> = Api::namespaced(caller.client.clone(), &args.system);
        let labelled = ListParams::default().labels("app.kubernetes.io/component=guard");
        let listed = leases.list(&labelled).await;
        let listed = listed.map_err(|error| ClusterError::Guards(error.to_string(), args.system.clone()))?;
        let way = |name: &str| args.guard_url.iter().find(|(guard, _)| guard == name).map(|(_, place)| place.clone());
        let of_lease =
            |lease: &Lease, name: &str| lease.annotations().get(STREAM).map_or(name, String::as_str).to_owned();
        let mut written = BTreeSet::new();
        let mut all: Vec<Guard> = listed
            .items
            .iter()
            .filter_map(|lease| {
                let name = lease.name_any().strip_prefix(PREFIX)?.to_owned();
                let stream = of_lease(lease, &name);
                written.insert(stream.clone());
                let published = Published::in_lease(lease, &stream);
                let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref());
                let door = lease.annotations().get(DOOR).and_then(|text| Door::read(text));
                if holder.is_none_or(str::is_empty) {
                    return Some(Guard { way: way(&name), name: stream.clone(), stream, told: Told::Gone, published });
                }
                Some(Guard { way: way(&name), name, stream, told: door.map_or(Told::NoDoor, Told::Door), published })
            })
            .collect();
        let (streams, note) = streams(caller, namespace).await;
        for name in streams {
            if !written.contains(&name) {
                all.push(Guard {
                    way: None,
                    stream: name.clone(),
                    name,
                    told: Told::Gone,
                    published: Published::default(),
                });
            }
        }
        if all.is_empty() {
            return Err(ClusterError::None(args.system.clone()));
        }
        Ok(Self { all, note })
    }
}

/// Whether a stream's name begins as those of a guard's streams do.
#[must_use]
pub fn may_write(guard: &str, stream: &str) -> bool {
    stream.strip_prefix(guard).is_some_and(|end| end.is_empty() || end.starts_with('-'))
}

/// Streams that the operator has seen.
async fn streams(caller: &Caller, namespace: Option<&str>) -> (BTreeSet<String>, Option<String>) {
    let policies: Api<AuditPolicy> = match namespace {
        Some(namespace) => Api::namespaced(caller.client.clone(), namespace),
        None => Api::all(caller.client.clone()),
    };
    match policies.list(&ListParams::default()).await {
        Ok(listed) => {
            let all = listed.items.into_iter().filter_map(|policy| policy.status?.streams).flatten();
            (all.collect(), None)
        }
        Err(error) => (
            BTreeSet::new(),
            Some(format!("guards that are gone are not missed: AuditPolicies cannot be read: {error}")),
        ),
    }
}
