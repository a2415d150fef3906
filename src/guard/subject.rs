//! What is known of a call with a known credential: enough to decide on it, and enough to record it,
//! however far it came.

use std::net::IpAddr;

use jiff::civil::Date;

use super::headers::Headers;
use super::operation::{self, Values};
use super::retention::Retentions;
use super::target::Target;
use crate::audit::{Entry, Event, GrantRef, Hashed, NameRef, Parameter, SiteKey, UnitRef};
use crate::judge::permit::Holder;
use crate::judge::refusal::Refusal;
use crate::judge::served::Operation;

/// A call by what it names.
#[derive(Debug)]
pub struct Subject<'a> {
    pub holder: &'a Holder,
    pub headers: &'a Headers<'a>,
    /// Where it comes from, as far as one can tell.
    pub source: IpAddr,
    /// The granted operation that fits, and its place in the plan.
    pub operation: Option<(usize, &'a Operation)>,
    /// Parameters of the operation, if they are what it declares.
    pub values: Result<Values<'a>, Refusal>,
    hashed: Vec<Option<Hashed>>,
    terms: String,
    retain: Option<Date>,
}

impl<'a> Subject<'a> {
    /// Looks at the call without deciding anything.
    pub fn read(
        holder: &'a Holder,
        headers: &'a Headers<'a>,
        method: &hyper::Method,
        target: Option<&'a Target<'a>>,
        source: IpAddr,
        site_key: &SiteKey,
    ) -> Self {
        let plan = holder.served().ok().map(|served| &served.plan);
        let operation = plan.zip(target).and_then(|(plan, target)| {
            let at = operation::find(plan, method, target)?;
            Some((at, plan.operations.get(at)?))
        });
        let values = match (operation, target) {
            (Some((_, operation)), Some(target)) => operation::values(operation, target),
            _ => Ok(Values::default()),
        };
        let sensitive = |at: &usize| {
            let parameter = operation.and_then(|(_, operation)| operation.parameters.get(*at));
            parameter.is_some_and(|parameter| parameter.sensitive)
        };
        let given = values.as_ref().map(|values| values.0.as_slice()).unwrap_or_default();
        let hashed = given.iter().map(|(at, value)| sensitive(at).then(|| site_key.hash(value))).collect();
        Self {
            holder,
            headers,
            source,
            operation,
            values,
            hashed,
            terms: holder.grant().terms.to_string(),
            retain: None,
        }
    }

    /// Sets how long entries about this call are kept, counted from `today`. Where nothing says that
    /// the data is not personal, it is taken to be.
    pub fn keep(&mut self, retentions: &Retentions, today: Date) {
        self.retain = Some(match self.holder.served() {
            Ok(served) => retentions.day(&served.plan, today),
            Err(_) => retentions.longest(today),
        });
    }

    /// An entry with everything that is known of the call; `parameters` is room for its values.
    pub fn entry<'e>(&'e self, event: Event, parameters: &'e mut Vec<Parameter<'e>>) -> Entry<'e, std::sync::Arc<str>> {
        let (grant, request) = (self.holder.grant(), self.holder.request());
        if let (Ok(values), Some((_, operation))) = (&self.values, self.operation) {
            parameters.extend(values.0.iter().zip(&self.hashed).filter_map(|((at, value), hashed)| {
                let name = &operation.parameters.get(*at)?.name;
                Some(Parameter { name, value: hashed.as_ref().map_or(value, Hashed::as_str) })
            }));
        }
        let mut entry = Entry::new(event);
        entry.grant = Some(GrantRef {
            namespace: &grant.key.namespace,
            name: &grant.key.name,
            serial: &grant.serial,
            digest: &self.terms,
        });
        entry.request = Some(NameRef { namespace: &grant.request.namespace, name: &grant.request.name });
        entry.unit = request.map(|request| UnitRef { code: &request.unit.code, name: &request.unit.name });
        entry.system = request.map(|request| &*request.system);
        entry.user = self.headers.user.as_deref();
        entry.case = self.headers.case.as_deref();
        entry.consent = self.headers.consent.as_deref();
        entry.source = Some(self.source);
        entry.resource = Some(NameRef { namespace: &grant.key.namespace, name: &grant.resource });
        entry.operation = self.operation.map(|(_, operation)| &*operation.name);
        entry.parameters = parameters;
        entry.retain = self.retain;
        entry
    }
}
