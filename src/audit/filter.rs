//! Which entries somebody asks for. A filter says it twice: as bytes that a line must contain, to
//! pass over most lines without parsing them, and exactly, on the parsed entry.

use jiff::Timestamp;
use memchr::memmem::Finder;

use crate::audit::encode::{self, TIME_LENGTH};
use crate::audit::event::{Event, Outcome};
use crate::audit::recorded::{Recorded, RecordedName};
use crate::audit::site_key::{Hashed, SiteKey};

/// What all entries asked for have in common; absent members ask nothing.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The namespace of the resource or of the grant.
    pub namespace: Option<String>,
    /// A unit's code or name.
    pub unit: Option<String>,
    pub user: Option<String>,
    pub case: Option<String>,
    /// A resource's `name` or `namespace/name`.
    pub resource: Option<String>,
    pub person: Option<Person>,
    /// The earliest time.
    pub since: Option<Timestamp>,
    /// What lies here is not too early, whatever its time says: a clock may have been set.
    pub onward: Option<Onward>,
    /// The first time that is too late.
    pub until: Option<Timestamp>,
    /// A grant's serial.
    pub grant: Option<String>,
    pub outcome: Option<Outcome>,
    pub code: Option<String>,
    pub event: Option<Event>,
}

/// A stream from an entry on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Onward {
    pub stream: String,
    /// The first entry of it.
    pub index: u64,
}

impl Onward {
    #[must_use]
    pub fn has(&self, stream: &str, index: u64) -> bool {
        self.stream == stream && index >= self.index
    }
}

/// A person by a value that calls name them with, whichever parameter it stands in.
#[derive(Clone)]
pub struct Person {
    plain: String,
    hashed: Hashed,
}

impl Person {
    /// The person named by `value`, as the record of this site has them.
    #[must_use]
    pub fn new(value: &str, key: &SiteKey) -> Self {
        Self { plain: value.to_owned(), hashed: key.hash(value) }
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({})", self.hashed)
    }
}

impl Filter {
    /// Whether a parsed entry is asked for.
    #[must_use]
    pub fn admits(&self, entry: &Recorded) -> bool {
        let is = |wanted: &Option<String>, found: Option<&String>| wanted.is_none() || wanted.as_ref() == found;
        let unit = self
            .unit
            .as_ref()
            .is_none_or(|wanted| entry.unit.as_ref().is_some_and(|unit| [&unit.code, &unit.name].contains(&wanted)));
        let resource = self
            .resource
            .as_ref()
            .is_none_or(|wanted| entry.resource.as_ref().is_some_and(|resource| names(wanted, resource)));
        let person = self.person.as_ref().is_none_or(|person| {
            entry.parameters.values().any(|value| *value == person.plain || value == person.hashed.as_str())
        });
        let namespace = self.namespace.as_ref().is_none_or(|wanted| {
            let resource = entry.resource.as_ref().map(|resource| &resource.namespace);
            let grant = entry.grant.as_ref().map(|grant| &grant.namespace);
            // both, where both are told: neither is the other's
            (resource.is_some() || grant.is_some()) && resource.into_iter().chain(grant).all(|own| own == wanted)
        });
        let onward = self.onward.as_ref().is_some_and(|onward| onward.has(&entry.stream, entry.index));
        namespace
            && unit
            && resource
            && person
            && is(&self.user, entry.user.as_ref())
            && is(&self.case, entry.case.as_ref())
            && is(&self.code, entry.code.as_ref())
            && is(&self.grant, entry.grant.as_ref().map(|grant| &grant.serial))
            && self.since.is_none_or(|since| entry.time >= since || onward)
            && self.until.is_none_or(|until| entry.time < until)
            && self.outcome.is_none_or(|outcome| entry.outcome == Some(outcome))
            && self.event.is_none_or(|event| entry.event == event)
    }

    /// The filter in the form that looks at lines.
    pub(super) fn sieve(&self) -> Sieve {
        let mut needles = Vec::new();
        if let Some(person) = &self.person {
            needles.push(vec![needle(&person.plain), needle(person.hashed.as_str())]);
        }
        let resource = self.resource.as_deref().map(|wanted| wanted.rsplit_once('/').map_or(wanted, |(_, name)| name));
        let words = [
            self.case.as_deref(),
            self.user.as_deref(),
            self.grant.as_deref(),
            self.unit.as_deref(),
            self.namespace.as_deref(),
        ];
        let words = words.into_iter().chain([resource, self.code.as_deref()]).flatten();
        needles.extend(words.map(|word| vec![needle(word)]));
        needles.extend(self.outcome.map(|outcome| vec![needle(outcome.as_str())]));
        needles.extend(self.event.map(|event| vec![needle(event.as_str())]));
        // where a line lies, only the parsed entry says
        let since = self.since.filter(|_| self.onward.is_none());
        Sieve { needles, since: since.map(encode::time_text), until: self.until.map(encode::time_text) }
    }
}

fn names(wanted: &str, resource: &RecordedName) -> bool {
    match wanted.split_once('/') {
        Some((namespace, name)) => resource.namespace == namespace && resource.name == name,
        None => resource.name == wanted,
    }
}

fn needle(value: &str) -> Finder<'static> {
    let mut bytes = Vec::new();
    encode::string(&mut bytes, value);
    Finder::new(&bytes).into_owned()
}

/// Bytes that a line must contain, one of each group, and the times between which it must lie.
#[derive(Debug)]
pub(super) struct Sieve {
    needles: Vec<Vec<Finder<'static>>>,
    since: Option<[u8; TIME_LENGTH]>,
    until: Option<[u8; TIME_LENGTH]>,
}

impl Sieve {
    /// Whether the line may be asked for; `time` is where it says when.
    pub fn passes(&self, line: &[u8], time: &[u8; TIME_LENGTH]) -> bool {
        self.since.as_ref().is_none_or(|since| time >= since)
            && self.until.as_ref().is_none_or(|until| time < until)
            && self.needles.iter().all(|group| group.iter().any(|needle| needle.find(line).is_some()))
    }
}

/// The time of a line, found without parsing it; `None` if it does not begin as entries do.
pub(super) fn time_of(line: &[u8]) -> Option<[u8; TIME_LENGTH]> {
    const NAME: &[u8] = b",\"time\":\"";
    let beginning = line.get(..line.len().min(192))?;
    let at = memchr::memmem::find(beginning, NAME)? + NAME.len();
    let text: [u8; TIME_LENGTH] = beginning.get(at..at + TIME_LENGTH)?.try_into().ok()?;
    text.ends_with(b"Z").then_some(text)
}
