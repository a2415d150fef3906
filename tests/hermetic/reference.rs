//! The reference (`src/cli/README.md`, `crds/README.md`) is what the binary and the kinds say of themselves:
//! written by these tests (`UPDATE_GOLDEN=1`), committed, and compared here.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use clap::CommandFactory;
use datashare::api::v1alpha1::{Kind, definition};
use datashare::cli::Cli;
use serde_json::Value;

const WIDTH: usize = 96;

fn compare(name: &str, fresh: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, fresh).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == fresh, "{name} is stale: run the test with UPDATE_GOLDEN=1");
}

#[test]
fn every_command_is_described_as_it_describes_itself() {
    fn describe(command: &mut clap::Command, out: &mut String) {
        let help = command.render_long_help().to_string();
        let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
        let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
        write!(out, "\n## {name}\n\n```text\n{}\n```\n", lines.join("\n")).unwrap();
        for inner in command.get_subcommands_mut().filter(|inner| inner.get_name() != "help") {
            describe(inner, out);
        }
    }
    let mut text = "# Commands\n\nWhat `--help` says, of every command.\n".to_owned();
    let mut command = Cli::command().term_width(WIDTH);
    command.build();
    describe(&mut command, &mut text);
    compare("src/cli/README.md", &text);
}

#[test]
fn every_member_of_every_kind_is_described_as_its_schema_does() {
    let mut text = "# The five kinds\n\nEvery member of `spec`, with its bounds and the rules it must keep. \
                    Members that must be there are marked with `*`.\n"
        .to_owned();
    for kind in Kind::ALL {
        let schema = definition::schema(kind);
        let spec = &schema["properties"]["spec"];
        let short = kind.aliases().1;
        write!(text, "\n## {} (`{short}`)\n\n{}\n\n", kind.name(), schema["description"].as_str().unwrap()).unwrap();
        text.push_str("| member | holds | what it is |\n|---|---|---|\n");
        members(spec, "", &mut text);
        let mut rules = Vec::new();
        sentences(spec, "spec", &mut rules);
        text.push_str("\nRules:\n\n");
        rules.iter().for_each(|rule| writeln!(text, "* {rule}").unwrap());
    }
    compare("crds/README.md", &text);
}

fn members(schema: &Value, at: &str, out: &mut String) {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        let mark = if required.contains(&name.as_str()) { "*" } else { "" };
        let about = member["description"].as_str().unwrap_or_else(|| panic!("{path} is not described"));
        writeln!(out, "| `{path}`{mark} | {} | {} |", holds(member), about.replace('|', "\\|").replace('\n', " "))
            .unwrap();
        members(member, &path, out);
        members(&member["items"], &format!("{path}[]"), out);
    }
}

/// Type and bounds of a member, in a few words.
fn holds(schema: &Value) -> String {
    let range = |least: &str, most: &str, unit: &str| match (schema[least].as_f64(), schema[most].as_f64()) {
        (Some(least), Some(most)) => format!(", {least} to {most}{unit}"),
        (Some(least), None) => format!(", at least {least}{unit}"),
        (None, Some(most)) => format!(", at most {most}{unit}"),
        (None, None) => String::new(),
    };
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" \\| ");
    }
    match schema["type"].as_str() {
        Some("string") => format!("text{}", range("minLength", "maxLength", " characters")),
        Some("integer") => format!("whole number{}", range("minimum", "maximum", "")),
        Some("boolean") => "true or false".into(),
        Some("array") => format!("list of {}{}", holds(&schema["items"]), range("minItems", "maxItems", " entries")),
        _ => match &schema["additionalProperties"] {
            Value::Object(_) => format!("map to {}", holds(&schema["additionalProperties"])),
            _ => "members".into(),
        },
    }
}

fn sentences(schema: &Value, at: &str, out: &mut Vec<String>) {
    for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
        out.push(format!("`{at}`: {}", rule["message"].as_str().unwrap()));
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        sentences(member, &format!("{at}.{name}"), out);
    }
    if schema["items"].is_object() {
        sentences(&schema["items"], &format!("{at}[]"), out);
    }
}
