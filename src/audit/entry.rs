//! One entry as its writer knows it, borrowed from the call it describes. [`Entry`] has the members
//! of the format in their order; the writer itself adds `v`, `stream`, `index` and `time`, because
//! only it knows them. Absent members are left out. Never field values, never tokens.

use std::net::IpAddr;

use jiff::civil::Date;

use crate::audit::encode;
use crate::audit::event::{Event, Outcome};

/// One entry, to be given to [`crate::audit::Log::append`]. `S` is whatever holds the names of the fields.
#[derive(Clone, Debug)]
pub struct Entry<'a, S = String> {
    pub event: Event,
    pub grant: Option<GrantRef<'a>>,
    pub request: Option<NameRef<'a>>,
    pub unit: Option<UnitRef<'a>>,
    pub system: Option<&'a str>,
    pub user: Option<&'a str>,
    pub case: Option<&'a str>,
    pub consent: Option<&'a str>,
    /// The caller's address.
    pub source: Option<IpAddr>,
    pub resource: Option<NameRef<'a>>,
    pub operation: Option<&'a str>,
    /// Sensitive values arrive here as [`crate::audit::Hashed`] texts already.
    pub parameters: &'a [Parameter<'a>],
    pub outcome: Option<Outcome>,
    /// The problem's code, or for `start` how the stream was found.
    pub code: Option<&'a str>,
    /// The HTTP status that the caller saw.
    pub status: Option<u16>,
    /// The names of the released fields.
    pub fields: &'a [S],
    /// Elements of the outermost array, or rows; for `unknown-credentials` the number of calls.
    pub items: Option<u64>,
    /// The size of the released body.
    pub bytes: Option<u64>,
    /// SHA-256 of the released body.
    pub digest: Option<[u8; 32]>,
    pub upstream: Option<Upstream>,
    /// The day before which this entry may not be removed.
    pub retain: Option<Date>,
}

/// Which decision a call relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantRef<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
    pub serial: &'a str,
    /// `sha256:<hex>` of the terms that were signed.
    pub digest: &'a str,
}

/// An object by namespace and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameRef<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitRef<'a> {
    pub code: &'a str,
    pub name: &'a str,
}

/// A parameter of the call: plain, or hashed under the site key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    pub name: &'a str,
    pub value: &'a str,
}

/// What the source of the data answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Upstream {
    /// Absent when no answer came.
    pub status: Option<u16>,
    pub microseconds: u64,
}

impl<S> Entry<'_, S> {
    /// An entry that says nothing but what happened.
    #[must_use]
    pub fn new(event: Event) -> Self {
        Self {
            event,
            grant: None,
            request: None,
            unit: None,
            system: None,
            user: None,
            case: None,
            consent: None,
            source: None,
            resource: None,
            operation: None,
            parameters: &[],
            outcome: None,
            code: None,
            status: None,
            fields: &[],
            items: None,
            bytes: None,
            digest: None,
            upstream: None,
            retain: None,
        }
    }
}

impl<S: AsRef<str>> Entry<'_, S> {
    /// The line from `,"event":` to its closing brace: all that can be written before the index is known.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"event\":\"");
        out.extend_from_slice(self.event.as_str().as_bytes());
        out.push(b'"');
        if let Some(grant) = &self.grant {
            named(out, b",\"grant\":{\"namespace\":", grant.namespace, grant.name);
            text(out, b",\"serial\":", Some(grant.serial));
            text(out, b",\"digest\":", Some(grant.digest));
            out.push(b'}');
        }
        if let Some(request) = &self.request {
            named(out, b",\"request\":{\"namespace\":", request.namespace, request.name);
            out.push(b'}');
        }
        if let Some(unit) = &self.unit {
            text(out, b",\"unit\":{\"code\":", Some(unit.code));
            text(out, b",\"name\":", Some(unit.name));
            out.push(b'}');
        }
        text(out, b",\"system\":", self.system);
        text(out, b",\"user\":", self.user);
        text(out, b",\"case\":", self.case);
        text(out, b",\"consent\":", self.consent);
        if let Some(source) = self.source {
            out.extend_from_slice(b",\"source\":");
            encode::address(out, source);
        }
        if let Some(resource) = &self.resource {
            named(out, b",\"resource\":{\"namespace\":", resource.namespace, resource.name);
            out.push(b'}');
        }
        text(out, b",\"operation\":", self.operation);
        self.encode_parameters(out);
        self.encode_result(out);
        out.push(b'}');
    }

    fn encode_parameters(&self, out: &mut Vec<u8>) {
        let mut lead: &[u8] = b",\"parameters\":{";
        for parameter in self.parameters {
            out.extend_from_slice(lead);
            encode::string(out, parameter.name);
            out.push(b':');
            encode::string(out, parameter.value);
            lead = b",";
        }
        if !self.parameters.is_empty() {
            out.push(b'}');
        }
    }

    fn encode_result(&self, out: &mut Vec<u8>) {
        text(out, b",\"outcome\":", self.outcome.map(Outcome::as_str));
        text(out, b",\"code\":", self.code);
        count(out, b",\"status\":", self.status.map(u64::from));
        let mut lead: &[u8] = b",\"fields\":[";
        for field in self.fields {
            out.extend_from_slice(lead);
            encode::string(out, field.as_ref());
            lead = b",";
        }
        if !self.fields.is_empty() {
            out.push(b']');
        }
        count(out, b",\"items\":", self.items);
        count(out, b",\"bytes\":", self.bytes);
        if let Some(digest) = &self.digest {
            out.extend_from_slice(b",\"digest\":\"sha256:");
            encode::hex(out, digest);
            out.push(b'"');
        }
        if let Some(upstream) = &self.upstream {
            out.extend_from_slice(b",\"upstream\":{");
            if let Some(status) = upstream.status {
                out.extend_from_slice(b"\"status\":");
                encode::number(out, u64::from(status));
                out.push(b',');
            }
            out.extend_from_slice(b"\"microseconds\":");
            encode::number(out, upstream.microseconds);
            out.push(b'}');
        }
        if let Some(retain) = self.retain {
            out.extend_from_slice(b",\"retain\":");
            encode::day(out, retain);
        }
    }
}

fn text(out: &mut Vec<u8>, lead: &[u8], value: Option<&str>) {
    if let Some(value) = value {
        out.extend_from_slice(lead);
        encode::string(out, value);
    }
}

fn count(out: &mut Vec<u8>, lead: &[u8], value: Option<u64>) {
    if let Some(value) = value {
        out.extend_from_slice(lead);
        encode::number(out, value);
    }
}

fn named(out: &mut Vec<u8>, lead: &[u8], namespace: &str, name: &str) {
    text(out, lead, Some(namespace));
    text(out, b",\"name\":", Some(name));
}
