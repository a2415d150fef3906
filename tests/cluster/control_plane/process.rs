//! One program that cannot outlive the tests. A keeper holds it and reads a pipe whose other end only this process
//! has: however this process ends, a panic, a signal or the end of all tests, the pipe closes, the keeper kills the
//! program and removes its folder.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Arguments: the folder, the program, and the program's own.
const KEEPER: &str = r#"
folder=$1; shift
exec 3<&0
"$@" </dev/null >"$folder/log" 2>&1 3<&- & program=$!
( read -r _ <&3; : >"$folder/over"; kill -9 $program ) & watcher=$!
wait $program
status=$?
kill $watcher
if [ -e "$folder/over" ]; then rm -rf "$folder"; rmdir "$(dirname "$folder")"; fi
exit $status
"#;

pub struct Process {
    keeper: Child,
    folder: PathBuf,
}

impl Process {
    /// Starts a program whose folder is its own: it goes away with it.
    pub fn start(program: &Path, folder: &Path, arguments: &[String]) -> Self {
        fs::create_dir_all(folder).unwrap();
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(folder).arg(program).args(arguments);
        // a group of its own: Ctrl-C at a terminal ends the tests, and the keeper has yet to clean up
        keeper.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { keeper: keeper.spawn().unwrap(), folder: folder.to_owned() }
    }

    /// Whether the program ended by itself.
    pub fn ended(&mut self) -> bool {
        self.keeper.try_wait().unwrap().is_some()
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().unwrap();
        // when it had ended by itself, its keeper left the log to be read
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The last lines of a log, for whoever has to find out.
pub fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(15)..).unwrap_or_default();
    format!("--- {}\n{}", log.display(), last.join("\n"))
}
