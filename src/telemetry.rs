//! What a process in a cluster says of itself: one JSON object a line on stderr, as much of it as
//! `RUST_LOG` asks for.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Begins to say it. Later calls change nothing.
pub fn begin() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let lines = tracing_subscriber::fmt().json().with_writer(io::stderr).with_env_filter(filter);
    // somebody who embeds us may listen already
    let _ = lines.try_init();
}
