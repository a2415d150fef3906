//! The sentences users read when one object breaks a rule by itself. The API server (CEL) and our
//! own checks say the same words, and a test holds them together.

pub const CODE: &str = "code must be an 18-character unified social credit code (GB 32100) with a correct check digit";
pub const DIGEST: &str = "digest must be 'sha256:' followed by 64 lowercase hex digits (see 'datashare digest')";
pub const SHA256: &str = "sha256 must be 64 lowercase hex digits";
pub const DATE: &str = "must be a calendar day from 2000 on, written YYYY-MM-DD";
pub const TIME: &str = "must be an RFC 3339 time with offset, as in 2026-11-05T00:00:00+08:00";
pub const DURATION: &str = "must be a duration such as 30s, 15m, 24h or 90d";
pub const DNS_NAME: &str = "must be a name of lowercase letters, digits and '-', as Kubernetes names are";
pub const FIELD_NAME: &str = "a field name must start with a letter and go on with letters, digits, '_', '-' or '.'";
pub const FIELD_PATH: &str = "path must be '$' followed by member names and '[*]' only (the RFC 9535 subset), as in $.data[*].idNumber, and must end in a member";
pub const OPERATION_PATH: &str =
    "path must start with '/' and hold only segments of letters, digits, '-', '_', '.', '~' or one {parameter} each";
pub const OPERATION_PLACEHOLDERS: &str = "every {parameter} of the path must be declared once with in: Path, and every Path parameter must stand in the path";
pub const PATH_REQUIRED: &str = "a Path parameter is always required: leave 'required' out or set it to true";
pub const PARAMETER_NAMES: &str = "parameter names must be unique within the operation";
pub const OPERATION_NAMES: &str = "operation names must be unique";
pub const UPSTREAM_URL: &str =
    "url must be https without user, query or fragment; plain http only to a loopback address or with 'insecure: true'";
pub const MODES: &str = "offer at least one of interface, table, files or other";
pub const DIRECT_MIGRATION: &str = "a Direct line is an exception (clause 4.1.5): name channel.migration with the tier it moves to (not Direct) and the day";
pub const OUT_EXCEPTION: &str = "outbound sharing goes through the City platform as an interface (clause 4.2.3): anything else needs channel.exception with its reason";
pub const THRESHOLD: &str = "threshold must not be more than the number of principals";
pub const APPROVAL_ROLES: &str = "each approving role must be listed once";
pub const PRINCIPALS: &str = "principals must be plain and unique: no wildcard, blank, quote or comma";
pub const FIELD_NAMES: &str = "field names must be unique";
pub const FIELD_PATHS: &str = "field paths must be unique, and none may lead through another field";
pub const SPEC_FINAL: &str = "spec never changes: file a new object instead";
pub const COMMITMENTS: &str = "all seven promises of form B must be accepted: ScopeOnly, RotateCredentials, ConsentProof, NoCopy, ThirdParty, Recall, Handover";
pub const OPERATIONS_INTERFACE: &str = "operations are named when the mode is Interface, and only then";
pub const SOURCE: &str = "a source must be an IP address range such as 10.20.0.0/16";
pub const RECIPIENT: &str =
    "recipient must be an age public key (age1…) or an SSH public key (ssh-ed25519 … or ssh-rsa …)";
pub const UNIQUE: &str = "entries must be unique";
pub const DENIED_REASON: &str = "a denial must give its reason";
pub const DENIED_MEMBERS: &str =
    "a denial grants nothing: leave out fields, operations, users, quota, credential and supersedes";
pub const APPROVED_MEMBERS: &str = "an approval must name at least one field and give notBefore and notAfter";
pub const VALIDITY: &str = "notAfter must be later than notBefore and at most 366 days after it";
pub const ROTATION: &str = "overlap must be shorter than rotateEvery";
pub const SUPERSEDES_SELF: &str = "a grant cannot supersede its own serial";
pub const SIGNATURE: &str =
    "signature must be an armored SSH signature ('datashare approve' or 'ssh-keygen -Y sign' makes one)";
pub const SERIAL: &str = "serial must not be blank or hold control characters";
pub const ONE_TARGET: &str = "name exactly one target: grant, unit, person or system";
pub const RECEIPT_ONCE: &str = "a receipt is filed once and never changed";
pub const RECALL_CLAUSE: &str = "clauses B6 and B7 take the data back: give recall with its due day";
pub const RETENTION_FLOOR: &str = "period must be at least 184d (Cybersecurity Law, Art. 23(3))";
pub const PERSONAL_FLOOR: &str =
    "personal must be at least 1096d (Network Data Security Regulations, Art. 12) and not shorter than period";
pub const ARCHIVE_URL: &str = "url must be file:///… or s3://bucket/prefix";
pub const CRON: &str = "schedule must be a cron line of five fields, as in '0 3 * * 1'";
pub const CHECKPOINT: &str = "checkpointEvery must be between 1s and 1h";
pub const HEADER: &str = "header must be an HTTP field name that is not one the guard sets itself";
pub const BLANK: &str = "must not be blank";
pub const KEY: &str = "key must be letters, digits, '-', '_' and '.', as keys of Secrets are";
pub const ROLE: &str = "role must be one word beginning with a capital, such as Provider";
pub const PRINCIPAL: &str = "must be one plain principal as in allowed_signers: no wildcard, blank, quote or comma";
pub const STORE: &str = "store must be file:///… or s3://bucket/prefix";
pub const PREFIX: &str = "prefix must not begin with '/', hold '\\' or step through '.' or '..'";
pub const NOT_AFTER_DATE: &str = "notAfter must not be before date";
pub const LOCK_STORE: &str = "lock needs an s3:// archive: a file system cannot lock what it keeps";
pub const SEAL_AGE: &str = "maxAge must be at most 24h: what is not sealed is not archived";
pub const TIME_ZONE: &str = "timeZone must be an IANA name, as in Asia/Shanghai";
pub const RECEIPT_RECALL: &str = "a receipt answers a recall: give recall too, or leave receipt out";
pub const RECALL_DUE: &str = "recall is due before it was decided: due must not be before the day of decidedAt";
