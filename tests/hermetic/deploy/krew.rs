//! The plugin as krew takes it: the archives are where and what the manifest says, and the plugin in them works.

use std::fs;
use std::path::Path;
use std::process::Command;

use datashare::source::yaml;
use serde_json::Value;
use sha2::{Digest, Sha256};

const BASE: &str = "https://releases.example/v";

fn packed(folder: &Path, pairs: &[&str]) -> bool {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/krew.sh");
    Command::new(script).arg(folder).arg(BASE).args(pairs).output().unwrap().status.success()
}

fn platforms(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("datashare.yaml")).unwrap();
    assert!(!text.contains('@'), "{text}");
    let manifest = yaml::parse(&text).remove(0).unwrap().value;
    assert_eq!(manifest["spec"]["version"], format!("v{}", env!("CARGO_PKG_VERSION")));
    manifest["spec"]["platforms"].as_array().unwrap().clone()
}

/// The archive of a platform, by the name that the manifest gives it.
fn archive(platform: &Value) -> String {
    let uri = platform["uri"].as_str().unwrap();
    let name = uri.strip_prefix(BASE).unwrap().trim_start_matches('/').to_owned();
    let labels = &platform["selector"]["matchLabels"];
    let ending = format!("{}-{}.tar.gz", labels["os"].as_str().unwrap(), labels["arch"].as_str().unwrap());
    assert!(name.ends_with(&ending), "{name}");
    name
}

#[test]
fn the_plugin_in_the_archive_works() {
    let place = tempfile::tempdir().unwrap();
    assert!(packed(place.path(), &[&format!("linux/amd64={}", env!("CARGO_BIN_EXE_datashare"))]));
    let platform = platforms(place.path()).remove(0);
    let archive = place.path().join(archive(&platform));
    let unpacked = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(place.path()).status().unwrap();
    assert!(unpacked.success());
    for file in platform["files"].as_array().unwrap() {
        assert!(place.path().join(file["from"].as_str().unwrap()).is_file(), "{file}");
    }
    let plugin = place.path().join(platform["bin"].as_str().unwrap());
    let help = Command::new(plugin).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("Usage: kubectl datashare"), "{help}");
}

#[test]
fn the_same_binaries_give_the_same_archives_and_hashes() {
    // any files will do
    let pairs = ["linux/arm64=Cargo.toml", "darwin/arm64=LICENSE"].map(|pair| {
        let (platform, file) = pair.split_once('=').unwrap();
        format!("{platform}={}/{file}", env!("CARGO_MANIFEST_DIR"))
    });
    let pairs = pairs.each_ref().map(String::as_str);
    let places = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let packs = places.each_ref().map(|place| {
        assert!(packed(place.path(), &pairs));
        let all = platforms(place.path());
        assert_eq!(all.len(), 2);
        for platform in &all {
            let bytes = fs::read(place.path().join(archive(platform))).unwrap();
            let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(platform["sha256"], hash);
        }
        all
    });
    assert_eq!(packs[0], packs[1]);
    assert!(!packed(places[0].path(), &[]), "with nothing to pack it says how it is used");
}
