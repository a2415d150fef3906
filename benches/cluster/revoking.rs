//! From the write of a Revocation to the first refusal, beside the time in which a plain watcher hears of it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use datashare::api::v1alpha1::Revocation;
use futures_util::TryStreamExt;
use kube::api::{Api, WatchParams};
use kube::core::WatchEvent;
use serde_json::Value;

use crate::suite::control_plane::ControlPlane;
use crate::{load, objects, row, token, world};

type Heard = Arc<Mutex<HashMap<String, Instant>>>;

pub fn run(plane: &ControlPlane, guard: SocketAddr, grants: &[usize], resources: usize) {
    let heard = Heard::default();
    let (client, told_of) = (plane.client(None), heard.clone());
    let listed = plane.ask("GET", "/apis/datashare.dev/v1alpha1/revocations?limit=1", &Value::Null).body;
    let version = listed["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    plane.run(async {
        tokio::spawn(watch(client, version, told_of));
    });
    let tokens: Vec<String> = grants
        .iter()
        .map(|n| {
            let uri = format!("/api/v1/namespaces/consumer/secrets/datashare-r-{n:06}");
            token(&plane.ask("GET", &uri, &Value::Null).body)
        })
        .collect();
    let [mut written, mut told, mut refused, mut beyond] = [(); 4].map(|()| Vec::new());
    plane.run(async {
        let client = plane.client(None);
        let mut calls = load::Client::connect(guard).await;
        for (&n, token) in grants.iter().zip(&tokens) {
            // not in step with anything that runs at intervals
            tokio::time::sleep(Duration::from_millis(50 + (n as u64 * 37) % 50)).await;
            let path = format!("/provider/{}/homes/small", objects::resource(n, resources));
            let request = load::request(&path, token);
            assert_eq!(calls.call(&request).await.0, 200, "grant {n} before its Revocation");
            let (client, object) = (client.clone(), world::end(n));
            let begun = Instant::now();
            let write = tokio::spawn(async move {
                objects::create(&client, &object).await;
                Instant::now()
            });
            while calls.call(&request).await.0 != 403 {
                assert!(begun.elapsed() < Duration::from_secs(30), "grant {n} is not refused");
            }
            let at = Instant::now();
            let name = format!("end-{n:06}");
            let since = |at: Instant| at.saturating_duration_since(begun).as_secs_f64() * 1e3;
            written.push(since(write.await.unwrap()));
            let seen = loop {
                let seen = heard.lock().unwrap().get(&name).copied();
                match seen {
                    Some(seen) => break seen,
                    None => tokio::time::sleep(Duration::from_millis(1)).await,
                }
            };
            told.push(since(seen));
            refused.push(since(at));
            beyond.push(at.saturating_duration_since(seen).as_secs_f64() * 1e3);
        }
    });
    row("Revocation sent, until", format!("{} times", grants.len()));
    row("  the API server has acknowledged it", spread(written));
    row("  a plain watcher has heard of it", spread(told));
    row("  the guard refuses, that refusal recorded", spread(refused));
    row("  the guard refuses, from when the watcher heard", spread(beyond));
}

async fn watch(client: kube::Client, version: String, heard: Heard) {
    let all: Api<Revocation> = Api::all(client);
    let events = all.watch(&WatchParams::default(), &version).await.unwrap();
    let each = events.try_for_each(|event| {
        if let WatchEvent::Added(revocation) = event {
            heard.lock().unwrap().insert(revocation.metadata.name.unwrap_or_default(), Instant::now());
        }
        async { Ok(()) }
    });
    each.await.unwrap();
}

fn spread(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    let quantile = |q: f64| times[((times.len() as f64 * q) as usize).min(times.len() - 1)];
    format!("p50 {:.1} ms, p99 {:.1}, longest {:.1}", quantile(0.5), quantile(0.99), quantile(1.0))
}
