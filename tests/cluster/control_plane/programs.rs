//! Where the real programs lie. `tests/control-plane/install.sh` knows and provides what is missing, so that
//! `cargo test` alone is enough; nothing is skipped when it fails.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

pub struct Programs(Vec<PathBuf>);

impl Programs {
    pub fn installed() -> &'static Self {
        static INSTALLED: OnceLock<Programs> = OnceLock::new();
        INSTALLED.get_or_init(|| {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/control-plane/install.sh");
            let output = Command::new(script).stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
            assert!(output.status.success(), "tests/control-plane/install.sh failed; it says above what is missing");
            Self(std::env::split_paths(String::from_utf8(output.stdout).unwrap().trim_end()).collect())
        })
    }

    /// A program, or the folder `gateway-api` with its definitions.
    pub fn find(&self, name: &str) -> PathBuf {
        let mut all = self.0.iter().map(|folder| folder.join(name));
        all.find(|path| path.exists()).unwrap_or_else(|| panic!("no {name} in {:?}", self.0))
    }
}
