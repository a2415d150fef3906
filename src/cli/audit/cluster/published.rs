//! What a cluster keeps of the guards' records beside them, where no guard can take it back: the newest checkpoints in
//! their Leases, and the public keys.

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, ResourceExt};

use super::caller::Caller;
use crate::audit::verify::{FirstKey, Witness};
use crate::guard::lease::{CHECKPOINT, EARLIER, Remembered};
use crate::operator::RECORD_KEYS;
use crate::source::cluster::told::KEYS;

/// Of some streams.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// The newest checkpoint of each, and what was one before the disk was set back. Those of streams that went with
    /// their disks are for whoever verifies the archive.
    pub witnesses: Vec<Witness>,
    /// The keys with which they began.
    pub first_keys: Vec<FirstKey>,
}

impl Published {
    /// What the Lease of a guard says of the stream that it writes.
    #[must_use]
    pub fn in_lease(lease: &Lease, stream: &str) -> Self {
        let annotation = |name: &str| lease.annotations().get(name);
        let from = format!("the Lease {}", lease.name_any());
        let remembered = Remembered::read(annotation(CHECKPOINT), annotation(EARLIER));
        let witnesses = remembered.of_stream(stream).map(|signed| Witness { from: from.clone(), signed }).collect();
        Self { witnesses, first_keys: first_key(&from, annotation(KEYS)).into_iter().collect() }
    }

    /// The keys that the operator has published of every stream it ever saw. One that saw none has no such object.
    pub async fn by_operator(caller: &Caller, namespace: &str) -> kube::Result<Self> {
        let maps: Api<ConfigMap> = Api::namespaced(caller.client.clone(), namespace);
        let streams = maps.get_opt(RECORD_KEYS).await?.and_then(|map| map.data).unwrap_or_default();
        let from = format!("the ConfigMap {RECORD_KEYS}");
        let first_keys = streams.values().filter_map(|keys| first_key(&from, Some(keys))).collect();
        Ok(Self { first_keys, ..Self::default() })
    }

    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.witnesses.extend(other.witnesses);
        self.first_keys.extend(other.first_keys);
        self
    }
}

fn first_key(from: &str, keys: Option<&String>) -> Option<FirstKey> {
    let key = keys?.lines().next()?.parse().ok()?;
    Some(FirstKey { from: from.to_owned(), key })
}
