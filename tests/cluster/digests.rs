//! Nothing is filled in: what was signed over a file is what a guard finds in the cluster. `kubectl` reads the files,
//! the server keeps them, and every digest is the one that our own reading of the file gives.

use std::path::Path;

use datashare::api::v1alpha1::common::Mode;
use datashare::api::v1alpha1::{AccessGrant, DataShareRequest, Kind, SharedResource};
use datashare::approval::canonical::Digest;
use datashare::approval::digests;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::corpus;
use crate::definitions::{collection, served};

/// Every digest that can be taken over an object: of the whole, and what grants and statements are bound to.
fn taken(kind: Kind, object: &Value) -> Vec<Digest> {
    fn typed<K: DeserializeOwned>(object: &Value) -> K {
        serde_json::from_value(object.clone()).unwrap()
    }
    let text = |name: &str| object["metadata"][name].as_str().unwrap();
    let (namespace, name) = (text("namespace"), text("name"));
    let mut all = vec![digests::object(kind, namespace, name, &object["spec"]).unwrap()];
    match kind {
        Kind::DataShareRequest => {
            all.push(digests::request(namespace, name, &typed::<DataShareRequest>(object).spec).unwrap());
        }
        Kind::AccessGrant => all.push(digests::terms(&typed::<AccessGrant>(object).spec).unwrap()),
        Kind::SharedResource => {
            let spec = typed::<SharedResource>(object).spec;
            let fields: Vec<_> = spec.fields.iter().map(|field| field.name.as_str()).collect();
            let offered = spec.interface.iter().flat_map(|interface| &interface.operations);
            let operations: Vec<_> = offered.map(|operation| operation.name.as_str()).collect();
            for mode in [Mode::Interface, Mode::Table, Mode::File, Mode::Other] {
                all.push(digests::slice(namespace, name, &spec, &fields, &operations, mode).unwrap());
            }
        }
        Kind::AuditPolicy | Kind::Revocation => {}
    }
    all
}

fn objects() -> Vec<(Kind, Value)> {
    let kind = |object: &Value| object["kind"].as_str().and_then(Kind::from_word);
    corpus::examples().into_iter().filter_map(|object| Some((kind(&object)?, object))).collect()
}

#[test]
fn digests_of_the_example_survive_kubectl_and_the_server() {
    let plane = served();
    let objects = objects();
    let mut namespaces: Vec<_> = objects.iter().map(|(_, o)| o["metadata"]["namespace"].as_str().unwrap()).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    namespaces.iter().for_each(|namespace| plane.named_namespace(namespace));

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jinan");
    let below = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let places = ["audit-policy.yaml", "resources", "requests", "grants"].map(below);
    let mut arguments = vec!["apply", "--server-side", "--validate=strict", "--recursive"];
    places.iter().for_each(|place| arguments.extend(["-f", place]));
    let applied = plane.kubectl(&arguments);
    assert!(applied.ok && applied.err.is_empty(), "{}", applied.err);
    assert_eq!(applied.out.lines().count(), objects.len(), "{}", applied.out);

    assert!(objects.len() > 50, "{}", objects.len());
    for (kind, object) in objects {
        let (namespace, name) = (&object["metadata"]["namespace"], object["metadata"]["name"].as_str().unwrap());
        let uri = format!("{}/{name}", collection(kind, namespace.as_str().unwrap()));
        let kept = plane.ask("GET", &uri, &Value::Null).body;
        assert_eq!(kept["spec"], object["spec"], "{} {name}", kind.name());
        assert_eq!(taken(kind, &kept), taken(kind, &object), "{} {name}", kind.name());
    }
}
