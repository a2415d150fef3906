//! The parts of a secret's name, one a line: whatever is taken stays three folders below the state
//! directory's secrets, and nothing else is ever opened.
#![no_main]

use std::path::Component;
use std::sync::LazyLock;

use datashare::delivery::secrets::SecretError;
use datashare::delivery::state_dir::StateDir;
use libfuzzer_sys::fuzz_target;

struct World {
    state: StateDir,
    _folder: tempfile::TempDir,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::hold(&folder.path().join("state"), folder.path()).unwrap();
    World { state, _folder: folder }
});

fuzz_target!(|text: &str| {
    let parts: Vec<&str> = text.splitn(3, '\n').collect();
    let [namespace, name, key] = parts.as_slice() else { return };
    let secrets = WORLD.state.secrets();
    match secrets.path(namespace, name, key) {
        Ok(path) => {
            let below = path.strip_prefix(WORLD.state.path()).unwrap();
            let parts: Vec<_> = below.components().collect();
            let normal = parts.iter().all(|part| matches!(part, Component::Normal(_)));
            assert!(normal && parts.len() == 4, "{}", path.display());
            assert!(path.ends_with(format!("{namespace}/{name}/{key}")));
            assert!(matches!(secrets.read(namespace, name, key), Err(SecretError::Io { .. })), "nothing is there");
        }
        Err(SecretError::Name(_)) => {
            assert!(matches!(secrets.read(namespace, name, key), Err(SecretError::Name(_))));
        }
        Err(error) => panic!("{error}"),
    }
});
