//! The definitions of `crds/` on a real API server: accepted without a warning, documented to the last member, and
//! listed the way people ask for them.

use std::path::Path;
use std::sync::OnceLock;

use datashare::api::v1alpha1::{GROUP, Kind, definition};
use serde_json::Value;

use crate::control_plane::{ControlPlane, Said, eventually, shared};
use crate::corpus::samples;

/// The shared control plane, with the five kinds served.
pub fn served() -> &'static ControlPlane {
    applied();
    shared()
}

fn applied() -> &'static Said {
    static APPLIED: OnceLock<Said> = OnceLock::new();
    APPLIED.get_or_init(|| apply_to(shared()))
}

/// Gives a control plane the five kinds.
pub fn apply_to(plane: &ControlPlane) -> Said {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let said = plane.kubectl(&["apply", "--server-side", "-f", folder.to_str().unwrap()]);
    assert!(said.ok, "{}", said.err);
    for kind in Kind::ALL {
        let uri = format!("/apis/{GROUP}/v1alpha1/{}", kind.aliases().0);
        eventually(&format!("{} are served", kind.name()), || {
            (plane.ask("GET", &uri, &Value::Null).status == 200).then_some(())
        });
    }
    // kubectl goes by discovery, which follows a moment later
    eventually("discovery tells of every kind", || {
        let words = ["api-resources", "--categories=datashare", "--cached=false", "-o", "name"];
        let told = plane.kubectl(&words);
        (told.out.lines().count() == Kind::ALL.len()).then_some(())
    });
    said
}

/// Where the objects of a kind lie in a namespace.
pub fn collection(kind: Kind, namespace: &str) -> String {
    format!("/apis/{GROUP}/v1alpha1/namespaces/{namespace}/{}", kind.aliases().0)
}

/// One accepted object of each kind in a namespace of its own.
fn one_of_each(plane: &ControlPlane) -> (String, Vec<(Kind, Value)>) {
    let namespace = plane.namespace("listed");
    let create = |kind: Kind| {
        let mut object = samples(kind, "accept").remove(0).object;
        object["metadata"]["namespace"] = Value::from(namespace.as_str());
        let answer = plane.ask("POST", &collection(kind, &namespace), &object);
        assert_eq!(answer.status, 201, "{answer:?}");
        (kind, object)
    };
    let objects = Kind::ALL.map(create).to_vec();
    (namespace, objects)
}

#[test]
fn definitions_are_established_without_a_warning() {
    let said = applied();
    assert_eq!(said.err, "", "kubectl shows the server's warnings there");
    assert_eq!(said.out.lines().filter(|line| line.ends_with("serverside-applied")).count(), Kind::ALL.len());
    for kind in Kind::ALL {
        let uri = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}", definition::name(kind));
        let status = shared().ask("GET", &uri, &Value::Null).body["status"].take();
        let conditions = status["conditions"].as_array().unwrap();
        let is = |name: &str| conditions.iter().find(|c| c["type"] == name).map(|c| c["status"].clone());
        assert_eq!(is("Established"), Some("True".into()), "{}", kind.name());
        assert_eq!(is("NamesAccepted"), Some("True".into()), "{}", kind.name());
        // present only when the schema breaks a rule of structural schemas
        assert_eq!(is("NonStructuralSchema"), None, "{}: {conditions:?}", kind.name());
    }
}

#[test]
fn every_member_of_every_kind_is_documented() {
    let plane = served();
    let uri = format!("/openapi/v3/apis/{GROUP}/v1alpha1");
    for kind in Kind::ALL {
        let schema = eventually(&format!("{} is in the OpenAPI document", kind.name()), || {
            let mut document = plane.ask("GET", &uri, &Value::Null).body;
            let schemas = document["components"]["schemas"].as_object_mut()?;
            let of = |schema: &Value| schema["x-kubernetes-group-version-kind"][0]["kind"] == kind.name();
            schemas.values_mut().find(|schema| of(schema)).map(Value::take)
        });
        let (mut silent, mut members) = (Vec::new(), 0);
        undocumented(&schema, kind.name(), &mut silent, &mut members);
        assert!(silent.is_empty(), "no description: {silent:?}");
        assert!(members > 20, "{}: only {members} members", kind.name());
    }
}

fn undocumented(schema: &Value, at: &str, silent: &mut Vec<String>, members: &mut usize) {
    if schema["description"].as_str().is_none_or(|text| text.trim().is_empty()) {
        silent.push(at.to_owned());
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        *members += 1;
        undocumented(member, &format!("{at}.{name}"), silent, members);
    }
    // an entry of a list is described by the list
    for each in ["items", "additionalProperties"] {
        for (name, member) in schema[each]["properties"].as_object().into_iter().flatten() {
            *members += 1;
            undocumented(member, &format!("{at}[].{name}"), silent, members);
        }
    }
}

#[test]
fn explain_reads_like_documentation() {
    let plane = served();
    for kind in Kind::ALL {
        let word = kind.name().to_lowercase();
        let schema = definition::schema(kind);
        let (path, described) = deepest(&schema["properties"]["spec"]);
        let explained = eventually(&format!("{word} can be explained"), || {
            let said = plane.kubectl(&["explain", &format!("{word}.spec{path}")]);
            said.ok.then_some(said.out)
        });
        // kubectl breaks lines as it likes
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
        assert!(words(&explained).contains(&words(&described)), "{path}: {explained}");
        let all = plane.kubectl(&["explain", &word, "--recursive"]);
        assert!(all.ok && all.out.contains(&format!("KIND:       {}", kind.name())), "{all:?}");
    }
}

/// A member as deep as members go, with its description.
fn deepest(schema: &Value) -> (String, String) {
    let schema = schema.get("items").unwrap_or(schema);
    let below = schema["properties"].as_object().into_iter().flatten().map(|(name, member)| {
        let (path, described) = deepest(member);
        let own = member["description"].as_str().unwrap().to_owned();
        (format!(".{name}{path}"), if path.is_empty() { own } else { described })
    });
    below.max_by_key(|(path, _)| path.matches('.').count()).unwrap_or_default()
}

#[test]
fn category_short_names_and_columns_list_what_there_is() {
    let plane = served();
    let (namespace, objects) = one_of_each(plane);
    let all = plane.kubectl(&["get", "datashare", "-A", "-o", "name"]);
    assert!(all.ok, "{}", all.err);
    for (kind, object) in &objects {
        let (plural, short) = kind.aliases();
        let name = object["metadata"]["name"].as_str().unwrap();
        let line = format!("{}.{GROUP}/{name}", kind.name().to_lowercase());
        assert!(all.out.lines().any(|listed| listed == line), "{line}: {}", all.out);
        for word in [short, plural, &kind.name().to_lowercase()] {
            let said = plane.kubectl(&["get", word, name, "-n", &namespace, "-o", "name"]);
            assert_eq!(said.out.trim_end(), line, "{word}: {}", said.err);
        }
        let columns = definition::definition(*kind)["spec"]["versions"][0]["additionalPrinterColumns"].take();
        let columns = columns.as_array().unwrap();
        for (wide, priority) in [(false, 0), (true, 1)] {
            let shown = columns.iter().filter(|column| column["priority"].as_i64().unwrap_or(0) <= priority);
            let shown: Vec<_> = shown.collect();
            let form = if wide { "-o=wide" } else { "--output=" };
            let table = plane.kubectl(&["get", short, name, "-n", &namespace, form]).out;
            let headers: Vec<_> = table.lines().next().unwrap_or_default().split_whitespace().collect();
            let names = shown.iter().map(|column| column["name"].as_str().unwrap().to_uppercase());
            let names: Vec<_> = std::iter::once("NAME".to_owned()).chain(names).collect();
            assert_eq!(headers.join(" "), names.join(" "), "{table}");
            for column in shown {
                let pointer = column["jsonPath"].as_str().unwrap().replace('.', "/");
                let Some(value) = object.pointer(&pointer).filter(|_| pointer.starts_with("/spec/")) else { continue };
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                assert!(table.contains(&text), "{} has no {text}: {table}", column["name"]);
            }
        }
    }
}
