//! Whose key speaks for which principal, and when: the file `allowed_signers` in OpenSSH's own format.
//! A line that is not understood to its end is void and named; it never widens what the others allow.

mod line;
mod pattern;

use std::collections::HashMap;

use jiff::Timestamp;

use super::NAMESPACE;
use super::sshsig::KeyId;
use line::ParsedLine;

/// Far beyond any list that people keep by hand.
const MAX_TEXT: usize = 4 * 1024 * 1024;
/// A file that is none of this kind at all would otherwise fill the screen.
const MAX_ISSUES: usize = 100;

/// The list, ready for lookups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signers {
    by_principal: HashMap<Box<str>, Vec<Listing>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listing {
    key: KeyId,
    for_approvals: bool,
    valid_after: Option<Timestamp>,
    valid_before: Option<Timestamp>,
}

/// What the reader wants to tell the keeper of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignersIssue {
    /// Counted from 1.
    pub line: usize,
    pub kind: IssueKind,
    pub message: String,
    pub mend: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueKind {
    /// The line counts for nothing.
    Void,
    /// The line counts, and is worth a look.
    Note,
}

/// Why a key does not speak for a principal at that time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    #[error("allowed_signers lists no key for {principal}; add a line for this principal")]
    UnknownPrincipal { principal: String },
    #[error("allowed_signers lists other keys for {principal}, but not {key}; add it, or sign with a listed key")]
    KeyNotListed { principal: String, key: KeyId },
    #[error("the namespaces= of {principal}'s line in allowed_signers leave out {NAMESPACE}; add it there")]
    OtherNamespaces { principal: String },
    #[error("the key of {principal} speaks for them from {from} on; approve after that time")]
    NotYetValid { principal: String, from: Timestamp },
    #[error("the key of {principal} spoke for them until {until}; sign with their present key")]
    NoLongerValid { principal: String, until: Timestamp },
}

impl Signers {
    /// Reads the whole file; void lines are left out and named.
    #[must_use]
    pub fn parse(text: &str) -> (Self, Vec<SignersIssue>) {
        let mut signers = Self::default();
        let mut issues = Vec::new();
        if text.len() > MAX_TEXT {
            issues.push(SignersIssue {
                line: 1,
                kind: IssueKind::Void,
                message: format!("allowed_signers is longer than {MAX_TEXT} bytes and was not read"),
                mend: "check that this is the right file, and split off what is no list of signers",
            });
            return (signers, issues);
        }
        let mut first_principal: HashMap<KeyId, Box<str>> = HashMap::new();
        for (line, text) in (1..).zip(text.lines()) {
            match line::parse(text) {
                Ok(None) => {}
                Ok(Some(parsed)) => {
                    if let Some(message) = shared_key(&mut first_principal, &parsed) {
                        issues.push(SignersIssue {
                            line,
                            kind: IssueKind::Note,
                            message,
                            mend: "give each principal a key of their own; one key never counts for two roles",
                        });
                    }
                    signers.add(parsed);
                }
                Err(error) => issues.push(SignersIssue {
                    line,
                    kind: IssueKind::Void,
                    message: error.to_string(),
                    mend: error.mend(),
                }),
            }
        }
        issues.truncate(MAX_ISSUES);
        (signers, issues)
    }

    fn add(&mut self, parsed: ParsedLine) {
        let listing = Listing {
            key: parsed.key,
            for_approvals: parsed.namespaces.is_none_or(|patterns| pattern::list_matches(NAMESPACE, &patterns)),
            valid_after: parsed.valid_after,
            valid_before: parsed.valid_before,
        };
        for principal in parsed.principals {
            let listings = self.by_principal.entry(principal.into_boxed_str()).or_default();
            if !listings.contains(&listing) {
                listings.push(listing);
            }
        }
    }

    /// Whether `key` speaks for `principal` in an approval given at `approved_at`.
    pub fn check(&self, principal: &str, key: &KeyId, approved_at: Timestamp) -> Result<(), ListingError> {
        let owner = || principal.to_owned();
        let Some(listings) = self.by_principal.get(principal) else {
            return Err(ListingError::UnknownPrincipal { principal: owner() });
        };
        let mut failure = None;
        for listing in listings.iter().filter(|listing| listing.key == *key) {
            match listing.check(principal, approved_at) {
                Ok(()) => return Ok(()),
                // a line that fails by time says more than one that was never meant for approvals
                Err(error @ ListingError::OtherNamespaces { .. }) => failure = failure.or(Some(error)),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| ListingError::KeyNotListed { principal: owner(), key: *key }))
    }

    /// Whether any line names this principal.
    #[must_use]
    pub fn knows(&self, principal: &str) -> bool {
        self.by_principal.contains_key(principal)
    }

    /// Every principal that `key` is listed for, in order.
    #[must_use]
    pub fn principals_of(&self, key: &KeyId) -> Vec<&str> {
        let mut principals: Vec<_> = self
            .by_principal
            .iter()
            .filter(|(_, listings)| listings.iter().any(|listing| listing.key == *key))
            .map(|(principal, _)| &**principal)
            .collect();
        principals.sort_unstable();
        principals
    }
}

impl Listing {
    /// Both ends belong to the validity, as in ssh-keygen.
    fn check(&self, principal: &str, at: Timestamp) -> Result<(), ListingError> {
        let principal = || principal.to_owned();
        if !self.for_approvals {
            return Err(ListingError::OtherNamespaces { principal: principal() });
        }
        match (self.valid_after, self.valid_before) {
            (Some(from), _) if at < from => Err(ListingError::NotYetValid { principal: principal(), from }),
            (_, Some(until)) if at > until => Err(ListingError::NoLongerValid { principal: principal(), until }),
            _ => Ok(()),
        }
    }
}

/// A sentence when this key already belongs to somebody else.
fn shared_key(first_principal: &mut HashMap<KeyId, Box<str>>, parsed: &ParsedLine) -> Option<String> {
    let first = parsed.principals.first()?;
    let owner = first_principal.entry(parsed.key).or_insert_with(|| first.as_str().into());
    let other = parsed.principals.iter().find(|principal| principal.as_str() != &**owner)?;
    Some(format!("the key {} is listed for {owner} and for {other}", parsed.key))
}

#[cfg(test)]
mod tests;
