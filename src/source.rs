//! Where objects come from: a directory of YAML files, read strictly and followed as it changes.
//! What enters is text that nobody has checked; what leaves is typed objects, or findings that
//! name file, line, member and mend.

pub mod yaml;
