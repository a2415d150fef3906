//! The CEL rules that several members share. `validate` says the same in Rust, and a test holds
//! the two together.
//!
//! They are written so that the API server's evaluator and a local one cannot differ: `\s`, `\d`
//! and `.` mean different characters in different regex engines and are not used, nor is `(?i)`,
//! which folds more letters than one expects; blanks are `\p{Z}` and `\p{Cc}`. Dates and times are
//! matched whole, because a failing conversion would show the evaluator's error beside our message.

/// Days of the years 2000 to 2999, leap days included. No anchors: dates and times both use it.
macro_rules! day {
    () => {
        "((2[0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8])))|((2[0-9](0[48]|[2468][048]|[13579][26])|2[048]00)-02-29))"
    };
}

macro_rules! time {
    () => {
        concat!(
            "'^",
            day!(),
            "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])$'"
        )
    };
}

macro_rules! duration {
    () => {
        "'^[1-9][0-9]{0,5}(s|m|h|d)$'"
    };
}

/// Seconds of a well-formed duration.
macro_rules! seconds {
    ($text:literal) => {
        concat!(
            "(int(",
            $text,
            ".substring(0, size(",
            $text,
            ") - 1)) * (",
            $text,
            ".endsWith('d') ? 86400 : ",
            $text,
            ".endsWith('h') ? 3600 : ",
            $text,
            ".endsWith('m') ? 60 : 1))"
        )
    };
}

macro_rules! unique {
    ($each:literal, $other:literal) => {
        concat!("self.all(x, self.exists_one(y, ", $other, " == ", $each, "))")
    };
}

/// The check digit of GB 32100 over the 17 characters before it (weights are powers of 3 modulo
/// 31), and the alphabet without I, O, S, V and Z.
pub const CODE: &str = "self.matches('^[0-9A-HJ-NP-RTUW-Y]{18}$') && (31 - (\
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(0)) * 1 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(1)) * 3 + \
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(2)) * 9 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(3)) * 27 + \
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(4)) * 19 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(5)) * 26 + \
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(6)) * 16 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(7)) * 17 + \
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(8)) * 20 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(9)) * 29 + \
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(10)) * 25 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(11)) * 13 + \
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(12)) * 8 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(13)) * 24 + \
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(14)) * 10 + '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(15)) * 30 + \
'0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(16)) * 28) % 31) % 31 == '0123456789ABCDEFGHJKLMNPQRTUWXY'.indexOf(self.charAt(17))";
pub const DIGEST: &str = "self.matches('^sha256:[0-9a-f]{64}$')";
pub const SHA256: &str = "self.matches('^[0-9a-f]{64}$')";
pub const DATE: &str = concat!("self.matches('^", day!(), "$')");
pub const TIME: &str = concat!("self.matches(", time!(), ")");
/// Nothing is said here about times that are none: their own rule says it.
pub const VALIDITY: &str = concat!(
    "!has(self.notBefore) || !has(self.notAfter) || !self.notBefore.matches(",
    time!(),
    ") || !self.notAfter.matches(",
    time!(),
    ") || (timestamp(self.notAfter) > timestamp(self.notBefore) && timestamp(self.notAfter) - timestamp(self.notBefore) <= duration('8784h'))"
);
pub const DURATION: &str = concat!("self.matches(", duration!(), ")");
pub const DNS_NAME: &str = "self.matches('^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')";
pub const UNIQUE: &str = unique!("x", "y");
pub const UNIQUE_NAMES: &str = unique!("x.name", "y.name");
/// Each path once, and none that begins with another and goes on. Comparing the one character
/// after the common start is the cheapest way to say so; the server counts every step.
pub const DISTINCT_PATHS: &str = "self.all(x, self.exists_one(y, y.path.startsWith(x.path) && (y.path == x.path || y.path.substring(size(x.path), size(x.path) + 1) in ['.', '['])))";
pub const UNIQUE_ROLES: &str = unique!("x.role", "y.role");
/// Something a person can see.
pub const TEXT: &str = r"self.matches('[^\\p{Z}\\p{Cc}]')";
pub const PRINCIPAL: &str = r#"self.matches('^[^*?!,"\\p{Z}\\p{Cc}]+$')"#;
pub const PRINCIPALS: &str =
    r#"self.all(x, x.matches('^[^*?!,"\\p{Z}\\p{Cc}]+$')) && self.all(x, self.exists_one(y, y == x))"#;
pub const ROLE: &str = "self.matches('^[A-Z][A-Za-z0-9]*$')";
pub const KEY: &str = "self.matches('^[A-Za-z0-9._-]+$') && !(self in ['.', '..'])";
pub const SERIAL: &str = r"self.matches('^[^\\p{Z}\\p{Cc}]([^\\p{Cc}]*[^\\p{Z}\\p{Cc}])?$')";
pub const FIELD_NAME: &str = "self.matches('^[A-Za-z][A-Za-z0-9_.-]*$')";
pub const FIELD_PATH: &str = r#"self.matches('^\\$(\\.[A-Za-z_\\x{80}-\\x{10FFFF}][A-Za-z0-9_\\x{80}-\\x{10FFFF}]*|\\[\\*\\]|\\[(\'[^\'\\\\\\x00-\\x1f]+\'|"[^"\\\\\\x00-\\x1f]+")\\])*$') && !self.endsWith('[*]') && self != '$'"#;
pub const OPERATION_PATH: &str =
    "self.matches('^(/([A-Za-z0-9_.~-]+|[{][A-Za-z][A-Za-z0-9_.-]*[}]))+$') && !self.matches('/[.]{1,2}(/|$)')";
/// A host name or address, perhaps a port, perhaps a path.
pub const UPSTREAM: &str = r"self.url.matches('^https?://([A-Za-z0-9._-]+|\\[[0-9a-fA-F:.]+\\])(:[1-9][0-9]{0,4})?(/[^?#\\p{Z}\\p{Cc}]*)?$') && (self.url.startsWith('https:') || (has(self.insecure) && self.insecure) || self.url.matches('^http://(127([.](25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}|localhost|\\[::1\\])(:[0-9]+)?(/|$)'))";
pub const HEADER: &str = "self.matches('^[A-Za-z0-9!#$%&*+.^_|~-]+$') && !(self.lowerAscii() in ['host', 'connection', 'content-length', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'expect', 'accept', 'accept-encoding', 'range'])";
pub const STORE: &str =
    r"self.matches('^(file:///[^\\p{Z}\\p{Cc}]+|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\\p{Z}\\p{Cc}]*)?)$')";
pub const PREFIX: &str = r"!self.matches('^/|(^|/)[.]{1,2}(/|$)|[\\\\\\p{Cc}]')";
pub const SOURCES: &str = "self.all(x, x.matches('^[0-9a-fA-F.:]+/(0|[1-9][0-9]{0,2})$') && isCIDR(x))";
pub const RECIPIENT: &str =
    r"self.matches('^age1[0-9a-z]{58}$|^ssh-(ed25519|rsa) [A-Za-z0-9+/]+={0,2}( [^\\p{Cc}]*)?$')";
pub const ROTATION: &str = concat!(
    "(has(self.rotateEvery) && !self.rotateEvery.matches(",
    duration!(),
    ")) || (has(self.overlap) && !self.overlap.matches(",
    duration!(),
    ")) || (has(self.overlap) ? ",
    seconds!("self.overlap"),
    " : 86400) < (has(self.rotateEvery) ? ",
    seconds!("self.rotateEvery"),
    " : 7776000)"
);
pub const SEAL_AGE: &str = concat!("!self.matches(", duration!(), ") || ", seconds!("self"), " <= 86400");
pub const CHECKPOINT: &str =
    concat!("self.matches(", duration!(), ") && ", seconds!("self"), " <= 3600 && !self.endsWith('d')");
pub const ZONE: &str = "self.matches('^[A-Za-z][A-Za-z0-9+_-]*(/[A-Za-z0-9+_-]+){0,2}$')";

macro_rules! cron_item {
    ($value:literal) => {
        concat!("([*](/[1-9][0-9]?)?|", $value, "(-", $value, "(/[1-9][0-9]?)?)?)")
    };
}

/// One field of a cron line: values, ranges and steps, as every implementation takes them.
macro_rules! cron_field {
    ($value:literal) => {
        concat!(cron_item!($value), "(,", cron_item!($value), ")*")
    };
}

pub const CRON: &str = concat!(
    "self.matches('^",
    cron_field!("[0-5]?[0-9]"),
    " ",
    cron_field!("(2[0-3]|[01]?[0-9])"),
    " ",
    cron_field!("(3[01]|[12][0-9]|0?[1-9])"),
    " ",
    cron_field!(
        "(1[0-2]|0?[1-9]|[jJ][aA][nN]|[fF][eE][bB]|[mM][aA][rR]|[aA][pP][rR]|[mM][aA][yY]|[jJ][uU][nN]|[jJ][uU][lL]|[aA][uU][gG]|[sS][eE][pP]|[oO][cC][tT]|[nN][oO][vV]|[dD][eE][cC])"
    ),
    " ",
    cron_field!("([0-7]|[sS][uU][nN]|[mM][oO][nN]|[tT][uU][eE]|[wW][eE][dD]|[tT][hH][uU]|[fF][rR][iI]|[sS][aA][tT])"),
    "$')"
);
