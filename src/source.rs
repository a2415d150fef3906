//! Where objects come from: a directory of YAML files, read strictly and followed as it changes, or a
//! cluster. What enters is text that nobody has checked; what leaves is typed objects, or findings that
//! name the place, the member and the mend.

pub mod change;
pub mod cluster;
pub mod directory;
pub mod facts;
pub mod finding;
pub mod live;
pub mod object;
mod settings_file;
pub mod tree_state;
pub mod typed;
mod watch;
pub mod yaml;
