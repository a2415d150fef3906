//! What is loaded into the API server: signed as people sign, and written as fast as the server takes it.

use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use hyper::Request;
use kube::Client;
use kube::client::Body;
use rayon::prelude::*;
use serde_json::Value;

use crate::world;

/// Writes at once.
const AT_ONCE: usize = 64;
/// Requests with their grants that are signed before they are written.
const SIGNED: usize = 2_000;

/// The resource that grant `n` is for.
pub fn resource(n: usize, resources: usize) -> String {
    format!("homes-{:04}", n % resources)
}

/// Where an object of ours is created.
fn collection(object: &Value) -> String {
    let plural = format!("{}s", object["kind"].as_str().unwrap().to_lowercase());
    let namespace = object["metadata"]["namespace"].as_str().unwrap();
    format!("/apis/datashare.dev/v1alpha1/namespaces/{namespace}/{}", plural.replace("policys", "policies"))
}

pub async fn create(client: &Client, object: &Value) {
    let request = Request::post(collection(object)).header("content-type", "application/json");
    let response = client.send(request.body(Body::from(object.to_string().into_bytes())).unwrap()).await.unwrap();
    assert_eq!(response.status().as_u16(), 201, "{object}");
}

async fn create_all(client: &Client, objects: Vec<Value>) {
    let writes = objects.iter().map(|object| create(client, object));
    stream::iter(writes).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
}

/// Writes everything; gives how long the writing took, without the signing.
pub async fn load(client: &Client, world: &World, grants: usize, resources: usize) -> Duration {
    let begun = Instant::now();
    let all = (0..resources).map(|n| world::resource_named(&resource(n, resources), &world.upstream)).collect();
    create_all(client, all).await;
    let mut took = begun.elapsed();
    let slices: Vec<_> = (0..resources).map(|n| world::slice(&resource(n, resources), &world.upstream)).collect();
    for first in (0..grants).step_by(SIGNED) {
        let pairs = (first..grants.min(first + SIGNED))
            .into_par_iter()
            .flat_map(|n| world::pair(n, &resource(n, resources), &world.key, slices[n % resources], &world.times));
        let pairs: Vec<Value> = pairs.collect();
        let begun = Instant::now();
        create_all(client, pairs).await;
        took += begun.elapsed();
    }
    took
}

/// What all objects have in common.
pub struct World {
    pub key: datashare::approval::signing::SigningKey,
    pub times: world::Times,
    pub upstream: String,
}
