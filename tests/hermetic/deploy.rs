//! What is shipped beside the binary says the same as the binary: chart versions, the image's toolchain, the example
//! repository's commands and its reading of health, and the plugin's archive.

mod alerts;
mod health;
mod krew;

use std::fs;
use std::path::Path;

use clap::CommandFactory;
use datashare::cli::Cli;
use datashare::source::yaml;
use serde_json::Value;

fn text(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

fn documents(file: &str) -> Vec<Value> {
    yaml::parse(&text(file)).into_iter().map(|document| document.unwrap().value).collect()
}

#[test]
fn charts_have_the_version_of_the_program() {
    for chart in ["datashare", "datashare-crds"] {
        let about = documents(&format!("charts/{chart}/Chart.yaml")).remove(0);
        for member in ["version", "appVersion"] {
            assert_eq!(about[member], env!("CARGO_PKG_VERSION"), "{chart}: {member}");
        }
    }
}

#[test]
fn the_image_is_built_by_our_toolchain_and_holds_nothing_else() {
    let dockerfile = text("Dockerfile");
    let toolchain = text("rust-toolchain.toml");
    let version = toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
    assert!(
        dockerfile.contains(&format!("FROM rust:{version}-alpine AS build")),
        "the image's compiler is not {version}"
    );
    assert!(dockerfile.contains(&format!("RUSTUP_TOOLCHAIN={version} ")));
    assert!(dockerfile.contains("cargo build --release --locked"));
    let (_, last) = dockerfile.rsplit_once("FROM ").unwrap();
    let lines: Vec<_> = last.lines().collect();
    assert_eq!(lines[0], "scratch");
    assert!(lines.contains(&"USER 65532:65532"), "{lines:?}");
    assert!(!last.contains("RUN "), "there is no shell in it");
    let ignore = text(".dockerignore");
    let copied =
        dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--"));
    for source in copied.flat_map(|line| line.split_whitespace().rev().skip(1)) {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(source).exists(), "{source}");
        assert!(ignore.lines().any(|line| line == format!("!{source}")), ".dockerignore keeps {source} out");
    }
}

#[test]
fn the_workflow_calls_commands_that_there_are() {
    let workflow = documents("examples/gitops/github/workflow.yaml").remove(0);
    let steps = workflow["jobs"]["review"]["steps"].as_array().unwrap();
    let scripts = steps.iter().filter_map(|step| step["run"].as_str());
    let mut names = Vec::new();
    for line in scripts.flat_map(str::lines).map(str::trim).filter(|line| line.starts_with("datashare ")) {
        let words: Vec<_> = line.split_whitespace().map(|word| word.trim_matches('"')).collect();
        Cli::command().try_get_matches_from(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
        names.push(words[1]);
    }
    assert_eq!(names, ["plan", "check"]);
    // only text of ours is in a script; everything else comes by variables, so that no title or branch is run
    for script in steps.iter().filter_map(|step| step["run"].as_str()) {
        assert!(!script.contains("${{"), "{script}");
    }
}

#[test]
fn the_example_repository_names_our_kinds_and_maps() {
    let maps = documents("examples/gitops/kustomization.yaml").remove(0);
    let names: Vec<_> = maps["configMapGenerator"].as_array().unwrap().iter().map(|map| map["name"].clone()).collect();
    assert_eq!(names, ["datashare-settings", "datashare-signers"]);
    assert_eq!(maps["generatorOptions"]["labels"]["app.kubernetes.io/part-of"], "datashare");
    for application in documents("examples/gitops/argocd/applications.yaml") {
        assert_eq!(application["kind"], "Application");
    }
}
