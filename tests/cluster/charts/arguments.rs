//! What the charts start is what the program understands, argument by argument.

use clap::CommandFactory;
use datashare::cli::Cli;

use super::helm::render;
use super::{NAMESPACE, VALUES};

#[test]
fn containers_are_started_with_arguments_that_there_are() {
    let mut started = Vec::new();
    for values in VALUES {
        for object in render("datashare", values) {
            let pods = &object["spec"]["template"]["spec"];
            for container in pods["containers"].as_array().into_iter().flatten() {
                let env: Vec<_> = container["env"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
                assert_eq!(env, ["POD_NAME", "POD_NAMESPACE", "POD_IP"]);
                let given = |word: &str| {
                    word.replace("$(POD_NAME)", "datashare-guard-0").replace("$(POD_NAMESPACE)", NAMESPACE)
                };
                let words = container["args"].as_array().unwrap().iter().map(|word| given(word.as_str().unwrap()));
                let words: Vec<String> = std::iter::once("datashare".to_owned()).chain(words).collect();
                assert!(!words.iter().any(|word| word.contains("$(")), "{words:?}");
                Cli::command().try_get_matches_from(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
                started.push(words[1].clone());
            }
        }
    }
    started.sort_unstable();
    assert_eq!(started, [["guard"; VALUES.len()], ["operator"; VALUES.len()]].concat());
}
