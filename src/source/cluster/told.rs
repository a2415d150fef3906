//! How guards tell of themselves in their Leases, by name: guards write this, and the operator and auditors read it.

/// Every guard's Lease begins with this; what follows is the guard's name.
pub const PREFIX: &str = "datashare-guard-";
/// Annotation: what the guard has taken in, as JSON, the version of each kind.
pub const APPLIED: &str = "datashare.dev/applied";
/// Annotation: the stream of the record that it writes.
pub const STREAM: &str = "datashare.dev/stream";
/// Annotation: how it keeps that stream, as JSON.
pub const KEPT: &str = "datashare.dev/record";
/// Annotation: the public keys of that record, oldest first, a line each.
pub const KEYS: &str = "datashare.dev/keys";
