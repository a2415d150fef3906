//! What is said at the auditors' door, by both sides: a question as one JSON object, and an answer as lines, each an
//! entry as it was recorded; or, where the record itself is asked for, pieces of its files, each after a line that says
//! whose it is. The last line is neither but the end, so that what broke off is never taken for whole.

use std::net::SocketAddr;
use std::num::NonZeroUsize;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::query::Summary;
use crate::audit::{Event, Filter, Outcome, Person, SiteKey};

/// Where questions are put.
pub const PATH: &str = "/v1/audit/query";
/// Where the record itself is asked for, with a question that sets no conditions.
pub const COPY: &str = "/v1/audit/copy";
/// Annotation of a guard's Lease with its [`Door`].
pub const DOOR: &str = "datashare.dev/audit";
/// The virtual resource that one must be allowed to `get`.
pub const RESOURCE: (&str, &str) = ("datashare.dev", "auditrecords");
/// The name for which every guard's certificate stands; which guard it is, the certificate itself says.
pub const SERVER_NAME: &str = "audit.guard.datashare.dev";
/// Entries of one answer; more are not told.
pub const MOST: u64 = 1_000_000;
/// How the last line begins.
const END: &[u8] = b"{\"end\":";

/// Where a guard answers auditors, as its Lease says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Door {
    /// Absent where the guard does not know how it is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<SocketAddr>,
    /// The only certificate to be believed there, in PEM.
    pub certificate: String,
}

impl Door {
    /// What a Lease says; nothing where that cannot be understood.
    #[must_use]
    pub fn read(annotation: &str) -> Option<Self> {
        serde_json::from_str(annotation).ok()
    }
}

/// Why a guard refused, in its words.
#[must_use]
pub fn refusal(body: &[u8]) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_slice(body).ok()?;
    Some(problem.get("detail")?.as_str()?.to_owned())
}

/// Which entries somebody asks for; absent members ask nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Question {
    /// Only what is about resources and grants of this namespace: for who may read its record and no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// In plain; the record has it under the site key only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// The newest so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<NonZeroUsize>,
}

impl Question {
    /// A question as it comes in: one object, and no word in it that means nothing.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        // a list would be read by its order
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err("write one JSON object".to_owned());
        }
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    /// The same for the record; `person` is the one asked about, as the record has them.
    #[must_use]
    pub fn filter(&self, person: Option<Person>) -> Filter {
        Filter {
            namespace: self.namespace.clone(),
            unit: self.unit.clone(),
            user: self.user.clone(),
            case: self.case.clone(),
            resource: self.resource.clone(),
            person,
            since: self.since,
            onward: None,
            until: self.until,
            grant: self.grant.clone(),
            outcome: self.outcome,
            code: self.code.clone(),
            event: self.event,
        }
    }

    /// The same for the entry that tells of it: the person as a hash.
    #[must_use]
    pub fn parameters(&self, key: &SiteKey) -> Vec<(&'static str, String)> {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        let all = [
            ("namespace", self.namespace.clone()),
            ("unit", self.unit.clone()),
            ("user", self.user.clone()),
            ("case", self.case.clone()),
            ("resource", self.resource.clone()),
            ("person", self.person.as_ref().map(|value| key.hash(value).as_str().to_owned())),
            ("since", time(self.since)),
            ("until", time(self.until)),
            ("grant", self.grant.clone()),
            ("outcome", self.outcome.map(|outcome| outcome.to_string())),
            ("code", self.code.clone()),
            ("event", self.event.map(|event| event.to_string())),
            ("limit", self.limit.map(|limit| limit.to_string())),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// The line before a piece of a file of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    pub stream: String,
    /// Below the stream's folder.
    pub file: String,
    /// How many bytes of it follow the line.
    pub bytes: usize,
}

impl Piece {
    /// The line, with its newline.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        // names always have a JSON form
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }

    /// What a line announces.
    pub fn read(line: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(line)
    }
}

/// The last line of a whole answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Entries, or bytes of a copy.
    pub found: u64,
    /// Lines of the record that are no entries.
    pub unreadable: u64,
    /// There are more than [`MOST`].
    #[serde(default)]
    pub more: bool,
}

#[derive(Serialize, Deserialize)]
struct Last {
    end: End,
}

impl End {
    #[must_use]
    pub fn of(summary: &Summary) -> Self {
        Self { found: summary.found, unreadable: summary.unreadable, more: false }
    }

    /// The line, with its newline.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        // numbers always have a JSON form
        let mut line = serde_json::to_vec(&Last { end: self.clone() }).unwrap_or_default();
        line.push(b'\n');
        line
    }

    /// The end, if this line is one; an error when it only looks like one.
    #[must_use]
    pub fn read(line: &[u8]) -> Option<Result<Self, serde_json::Error>> {
        line.starts_with(END).then(|| serde_json::from_slice::<Last>(line).map(|last| last.end))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_asked_is_what_is_read(
            words in prop::collection::vec(prop::option::of("\\PC{0,12}"), 7), limit in prop::option::of(1usize..9),
            since in prop::option::of(-9_000_000_000i64..9_000_000_000),
        ) {
            let word = |at: usize| words[at].clone();
            let question = Question {
                namespace: word(0), unit: word(1), user: word(2), case: word(3), resource: word(4), person: word(5),
                grant: word(6), since: since.and_then(|s| Timestamp::from_second(s).ok()),
                limit: limit.and_then(NonZeroUsize::new), event: Some(Event::Call), ..Question::default()
            };
            let text = serde_json::to_vec(&question).unwrap();
            prop_assert_eq!(&Question::read(&text).unwrap(), &question);
            let key = SiteKey::new(&crate::redacted::Redacted::new([7; 32]));
            let told = question.parameters(&key);
            prop_assert_eq!(told.len(), words.iter().flatten().count() + 1 + usize::from(question.since.is_some()) + usize::from(limit.is_some()));
            let hashed = told.iter().find(|(name, _)| *name == "person").map(|(_, value)| value.clone());
            prop_assert_eq!(hashed, word(5).map(|value| key.hash(&value).as_str().to_owned()));
        }

        #[test]
        fn any_bytes_are_a_question_or_none(bytes in prop::collection::vec(any::<u8>(), 0..100), word in "[a-z]{1,9}") {
            let _ = Question::read(&bytes);
            let _ = End::read(&bytes);
            prop_assert!(Piece::read(&bytes).is_err());
            prop_assert_eq!(refusal(&bytes), None);
            let text = format!("{{\"{word}\":\"x\"}}");
            let known = ["namespace", "unit", "user", "case", "resource", "person", "grant", "code"];
            prop_assert_eq!(Question::read(text.as_bytes()).is_ok(), known.contains(&word.as_str()));
        }
    }

    #[test]
    fn a_piece_is_no_end() {
        let piece = Piece { stream: "guard-0".to_owned(), file: "keys".to_owned(), bytes: 3 };
        let line = piece.line();
        assert!(End::read(&line).is_none());
        assert_eq!(Piece::read(&line).unwrap(), piece);
        assert!(Piece::read(&End::default().line()).is_err());
    }

    #[test]
    fn an_end_is_no_entry_and_an_entry_no_end() {
        let end = End { found: 3, unreadable: 1, more: true };
        assert_eq!(End::read(end.line().trim_ascii_end()).unwrap().unwrap(), end);
        assert!(End::read(b"{\"v\":1,\"stream\":\"end\"}").is_none());
        assert!(End::read(b"{\"end\":7}").unwrap().is_err());
        let door = Door { address: None, certificate: "pem".to_owned() };
        assert_eq!(Door::read(&serde_json::to_string(&door).unwrap()), Some(door));
        assert_eq!(Door::read("nonsense"), None);
        assert!(Question::read(b"[]").is_err() && Question::read(b" {}").is_ok());
    }
}
