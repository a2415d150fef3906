//! The example repository on a real API server: its kustomization gives the two maps that operator and guards watch.

use std::fs;
use std::path::Path;

use datashare::settings::Settings;
use datashare::source::yaml;

use crate::charts::helm::objects;
use crate::charts::installed::{NAMESPACE, installed};

#[test]
fn the_sites_files_become_the_maps_that_the_product_reads() {
    let plane = installed();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    fs::create_dir(&site).unwrap();
    fs::copy(root.join("examples/gitops/kustomization.yaml"), folder.path().join("kustomization.yaml")).unwrap();
    for file in ["datashare.yaml", "allowed_signers"] {
        fs::copy(root.join("examples/jinan").join(file), site.join(file)).unwrap();
    }
    let kustomization = folder.path().to_str().unwrap();
    let said = plane.kubectl(&["kustomize", kustomization]);
    assert!(said.ok, "{}", said.err);
    let maps = objects(&said.out);
    assert_eq!(maps.len(), 2);
    for map in &maps {
        assert_eq!(map["metadata"]["namespace"], NAMESPACE);
        assert_eq!(map["metadata"]["labels"]["app.kubernetes.io/part-of"], "datashare");
        let file = if map["metadata"]["name"] == "datashare-settings" { "datashare.yaml" } else { "allowed_signers" };
        let text = map["data"][file].as_str().unwrap();
        assert_eq!(text, fs::read_to_string(site.join(file)).unwrap());
        if file == "datashare.yaml" {
            let value = yaml::parse(text).remove(0).unwrap().value;
            assert_eq!(serde_json::from_value::<Settings>(value).unwrap().site, "jinan-demo");
        }
    }
    let applied =
        plane.kubectl(&["apply", "-k", kustomization, "--server-side", "--dry-run=server", "--validate=strict"]);
    assert!(applied.ok && applied.err.is_empty(), "{}", applied.err);
}
