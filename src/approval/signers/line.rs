//! One line of `allowed_signers`: principals, options, key. Read as ssh-keygen reads it, except that
//! what a reviewer could misread (wildcards, authorities, local times) makes the line void.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::approval::sshsig::{KeyId, SignatureError, acceptable};

/// A line that counts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ParsedLine {
    pub(super) principals: Vec<String>,
    pub(super) key: KeyId,
    /// The pattern list of `namespaces=`; absent counts for every namespace.
    pub(super) namespaces: Option<String>,
    pub(super) valid_after: Option<Timestamp>,
    pub(super) valid_before: Option<Timestamp>,
}

/// Why a line counts for nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineError {
    #[error("a quotation mark is not closed, or stands inside a word")]
    Quotes,
    #[error("the line names no principal")]
    NoPrincipal,
    #[error("the principal `{0}` has a wildcard; only plain principals count")]
    Wildcard(String),
    #[error("the line has no key")]
    NoKey,
    #[error("the key's text is damaged")]
    DamagedKey,
    #[error("the key starts with `{named}` but is of another type")]
    OtherKeyType { named: String },
    #[error("the key can never approve: {0}")]
    Unacceptable(SignatureError),
    #[error("cert-authority lines do not count")]
    Authority,
    #[error("the option `{0}` is not known")]
    UnknownOption(String),
    #[error("the option `{0}` is given twice")]
    Twice(&'static str),
    #[error("the value of `{0}` is not in quotation marks")]
    Unquoted(&'static str),
    #[error("the time `{0}` of {1} has no `Z`, so it would mean another moment on another machine")]
    LocalTime(String, &'static str),
    #[error("the time `{0}` of {1} is none")]
    BadTime(String, &'static str),
    #[error("valid-before is not later than valid-after")]
    EmptyValidity,
}

impl LineError {
    /// What to do about it.
    pub(super) fn mend(&self) -> &'static str {
        match self {
            Self::Quotes => "close the quotation mark, and put it around the whole value",
            Self::NoPrincipal => "write the principal first, then options, then the key",
            Self::Wildcard(_) => "write one line, or one name in the list, for each principal",
            Self::NoKey | Self::DamagedKey | Self::OtherKeyType { .. } => {
                "paste the signer's .pub file behind the principal and the options"
            }
            Self::Unacceptable(_) => "list another key: ssh-keygen -t ed25519",
            Self::Authority => "list each signer's own key without cert-authority",
            Self::UnknownOption(_) => "use namespaces=, valid-after= or valid-before=, or take it out",
            Self::Twice(_) => "keep one of the two",
            Self::Unquoted(_) => "write name=\"value\"",
            Self::LocalTime(..) | Self::BadTime(..) => "write YYYYMMDDHHMMSSZ in UTC",
            Self::EmptyValidity => "put valid-before after valid-after",
        }
    }
}

/// `None` for a blank line or a comment.
pub(super) fn parse(line: &str) -> Result<Option<ParsedLine>, LineError> {
    let line = line.trim_matches(is_space);
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (principals, rest) = take_principals(line)?;
    let (first, after_first) = take_word(rest)?;
    let (options, key) = if is_key_type(first) { ("", rest) } else { (first, after_first) };
    let mut parsed =
        ParsedLine { principals, key: parse_key(key)?, namespaces: None, valid_after: None, valid_before: None };
    parse_options(options, &mut parsed)?;
    if let (Some(after), Some(before)) = (parsed.valid_after, parsed.valid_before)
        && before <= after
    {
        return Err(LineError::EmptyValidity);
    }
    Ok(Some(parsed))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r')
}

fn take_principals(line: &str) -> Result<(Vec<String>, &str), LineError> {
    let (list, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or(LineError::Quotes)?,
        None => line.split_once(is_space).ok_or(LineError::NoKey)?,
    };
    if list.contains('"') {
        return Err(LineError::Quotes);
    }
    let principals: Vec<_> = list.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if let Some(name) = principals.iter().find(|name| name.contains(['*', '?', '!'])) {
        return Err(LineError::Wildcard(name.clone()));
    }
    if principals.is_empty() {
        return Err(LineError::NoPrincipal);
    }
    Ok((principals, rest.trim_start_matches(is_space)))
}

/// The text up to the next space outside quotation marks, and what follows it.
fn take_word(text: &str) -> Result<(&str, &str), LineError> {
    let mut quotes = Quotes::default();
    let end = text.char_indices().find(|(_, c)| !quotes.inside(*c) && is_space(*c)).map(|(at, _)| at);
    match end.and_then(|at| text.split_at_checked(at)) {
        Some((word, rest)) => Ok((word, rest.trim_start_matches(is_space))),
        None if quotes.open => Err(LineError::Quotes),
        None => Ok((text, "")),
    }
}

/// Follows quotation marks; `\"` is a plain character.
#[derive(Default)]
struct Quotes {
    open: bool,
    escaped: bool,
}

impl Quotes {
    fn inside(&mut self, c: char) -> bool {
        match c {
            '"' if !self.escaped => self.open = !self.open,
            _ => {}
        }
        self.escaped = c == '\\';
        self.open
    }
}

fn is_key_type(word: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-", "rsa-", "webauthn-"].iter().any(|prefix| word.starts_with(prefix))
}

fn parse_key(text: &str) -> Result<KeyId, LineError> {
    let mut words = text.split(is_space).filter(|word| !word.is_empty());
    let named = words.next().filter(|word| is_key_type(word)).ok_or(LineError::NoKey)?;
    let blob = STANDARD.decode(words.next().ok_or(LineError::NoKey)?).map_err(|_| LineError::DamagedKey)?;
    match acceptable(&blob) {
        Ok(algorithm) if algorithm.name() != named => Err(LineError::OtherKeyType { named: named.to_owned() }),
        Ok(_) => Ok(KeyId::of_blob(&blob)),
        Err(SignatureError::Malformed) => Err(LineError::DamagedKey),
        Err(error) => Err(LineError::Unacceptable(error)),
    }
}

fn parse_options(text: &str, parsed: &mut ParsedLine) -> Result<(), LineError> {
    let mut rest = text;
    while !rest.is_empty() {
        let mut quotes = Quotes::default();
        let end = rest.char_indices().find(|(_, c)| !quotes.inside(*c) && *c == ',').map(|(at, _)| at);
        let (option, after) = end.and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
        parse_option(option, parsed)?;
        rest = match after.strip_prefix(',') {
            Some("") => return Err(LineError::UnknownOption(String::new())),
            Some(next) => next,
            None => "",
        };
    }
    Ok(())
}

fn parse_option(option: &str, parsed: &mut ParsedLine) -> Result<(), LineError> {
    let (name, value) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
    match (name.to_ascii_lowercase().as_str(), value) {
        ("cert-authority", None) => Err(LineError::Authority),
        ("namespaces", Some(value)) => set(&mut parsed.namespaces, "namespaces", unquote(value, "namespaces")?),
        ("valid-after", Some(value)) => {
            set(&mut parsed.valid_after, "valid-after", time(&unquote(value, "valid-after")?, "valid-after")?)
        }
        ("valid-before", Some(value)) => {
            set(&mut parsed.valid_before, "valid-before", time(&unquote(value, "valid-before")?, "valid-before")?)
        }
        _ => Err(LineError::UnknownOption(name.chars().filter(|c| !c.is_control()).take(64).collect())),
    }
}

fn set<T>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<(), LineError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(LineError::Twice(name)),
    }
}

fn unquote(value: &str, name: &'static str) -> Result<String, LineError> {
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or(LineError::Unquoted(name))?;
    let plain = inner.replace("\\\"", "\u{0}");
    if plain.contains('"') || inner.ends_with('\\') {
        return Err(LineError::Quotes);
    }
    Ok(plain.replace('\u{0}', "\""))
}

/// `YYYYMMDD[HHMM[SS]]Z`.
fn time(text: &str, name: &'static str) -> Result<Timestamp, LineError> {
    let bad = || LineError::BadTime(text.chars().filter(|c| !c.is_control()).take(32).collect(), name);
    let Some(digits) = text.strip_suffix('Z') else {
        return Err(if text.bytes().all(|byte| byte.is_ascii_digit()) {
            LineError::LocalTime(text.chars().take(32).collect(), name)
        } else {
            bad()
        });
    };
    if !matches!(digits.len(), 8 | 12 | 14) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    let part = |range: std::ops::Range<usize>| digits.get(range).map_or(Some(0), |part| part.parse().ok());
    let small = |range| part(range).and_then(|number: i16| i8::try_from(number).ok());
    (|| {
        let civil =
            DateTime::new(part(0..4)?, small(4..6)?, small(6..8)?, small(8..10)?, small(10..12)?, small(12..14)?, 0);
        let moment = civil.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        // ssh-keygen takes the epoch for "no time"
        (moment > Timestamp::UNIX_EPOCH).then_some(moment)
    })()
    .ok_or_else(bad)
}
