//! The public keys of the guards' records, for whoever verifies one: collected from the guards' Leases into one
//! `ConfigMap`, where they stay when a guard, its disk and its Lease are gone. Nothing in it is ever taken back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{ListParams, ObjectMeta, PostParams};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use crate::judge::build::{MANAGED_BY, labels};

/// The `ConfigMap`: under each stream's name its keys, oldest first, a line each.
pub const RECORD_KEYS: &str = "datashare-record-keys";

/// How often it is looked whether there are new ones.
const LOOK: Duration = Duration::from_secs(1);
/// Between two attempts to write.
const AGAIN: Duration = Duration::from_secs(5);
/// An object may be no larger than 1 MiB.
const MOST_BYTES: usize = 512 * 1024;

/// Keys as text, by stream.
pub type Keys = BTreeMap<String, String>;

/// Publishes what guards tell, until stopped.
pub async fn publish(context: Arc<Context>, namespace: String, stop: CancellationToken) {
    let api: Api<ConfigMap> = Api::namespaced(context.client.clone(), &namespace);
    let work = async {
        let mut done = Keys::new();
        loop {
            let told = context.guards.keys();
            if told == done {
                tokio::time::sleep(LOOK).await;
                continue;
            }
            match timeout(AGAIN, write(&api, &told)).await {
                Ok(Ok(())) => {
                    done = told;
                    continue;
                }
                Ok(Err(why)) => tracing::warn!("the record's public keys are not published in {RECORD_KEYS}: {why}"),
                Err(_) => tracing::warn!("the record's public keys are not published in {RECORD_KEYS}: no answer"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
    }
}

/// Adds what is not there yet; by compare-and-swap, and not at all if nothing is new.
async fn write(api: &Api<ConfigMap>, told: &Keys) -> Result<(), String> {
    let said = |error: kube::Error| error.to_string();
    // read by its name, with the right to list that the settings need anyway
    let only = ListParams::default().fields(&format!("metadata.name={RECORD_KEYS}"));
    let there = api.list(&only).await.map_err(said)?.items.pop();
    let is_new = there.is_none();
    let mut map = there.unwrap_or_else(fresh);
    let before = map.data.take().unwrap_or_default();
    let after = merged(&before, told);
    if after == before {
        return Ok(());
    }
    let bytes: usize = after.iter().map(|(stream, keys)| stream.len() + keys.len()).sum();
    if bytes > MOST_BYTES {
        return Err(format!("with the new ones it would have {bytes} bytes; move it to a name of your own first"));
    }
    map.data = Some(after);
    let write = PostParams::default();
    let written = if is_new { api.create(&write, &map).await } else { api.replace(RECORD_KEYS, &write, &map).await };
    written.map(|_| ()).map_err(said)
}

/// What is there, and behind it what is new.
fn merged(before: &Keys, told: &Keys) -> Keys {
    let mut all = before.clone();
    for (stream, keys) in told {
        let published = all.entry(stream.clone()).or_default();
        for key in keys.lines() {
            if !published.lines().any(|line| line == key) {
                published.push_str(key);
                published.push('\n');
            }
        }
    }
    all
}

fn fresh() -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(RECORD_KEYS.to_owned()),
            labels: Some(labels([MANAGED_BY])),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_back_or_moved() {
        let keys = |all: &[(&str, &str)]| -> Keys {
            all.iter().map(|(stream, keys)| ((*stream).to_owned(), (*keys).to_owned())).collect()
        };
        let before = keys(&[("a", "1\n2\n"), ("gone", "9\n")]);
        assert_eq!(merged(&before, &keys(&[("a", "1\n2\n")])), before);
        assert_eq!(merged(&before, &Keys::new()), before);
        let after = merged(&before, &keys(&[("a", "0\n2\n3\n"), ("b", "5\n")]));
        assert_eq!(after, keys(&[("a", "1\n2\n0\n3\n"), ("b", "5\n"), ("gone", "9\n")]));
    }
}
