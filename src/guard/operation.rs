//! Which granted operation a call means, and its parameters.

use std::borrow::Cow;

use hyper::Method;

use super::target::{Target, encode};
use crate::judge::refusal::{Code, Refusal};
use crate::judge::served::{Operation, Plan, Segment};

const MAX_VALUE: usize = 256;

/// A declared parameter with the value the call gave it, in the order of declaration.
pub struct Given<'a> {
    pub name: &'a str,
    pub value: Cow<'a, str>,
    pub sensitive: bool,
}

/// Position of the operation that method and path mean. Literal segments win over parameters.
pub fn find(plan: &Plan, method: &Method, target: &Target) -> Option<usize> {
    let key = &plan.resource.key;
    if *target.namespace != *key.namespace || *target.resource != *key.name {
        return None;
    }
    let fits = |operation: &Operation| {
        operation.method.name() == method.as_str()
            && operation.path.len() == target.segments.len()
            && operation.path.iter().zip(&target.segments).all(|(pattern, segment)| match pattern {
                Segment::Literal(literal) => **literal == **segment,
                Segment::Parameter(_) => true,
            })
    };
    let literals = |operation: &Operation| operation.path.iter().filter(|s| matches!(s, Segment::Literal(_))).count();
    let all = plan.operations.iter().enumerate().filter(|(_, operation)| fits(operation));
    all.max_by_key(|(_, operation)| literals(operation)).map(|(at, _)| at)
}

/// The parameters of a call: declared ones only, each once, the required ones there.
pub fn parameters<'a>(operation: &'a Operation, target: &'a Target) -> Result<Vec<Given<'a>>, Refusal> {
    let refused = |why: &'static str| Refusal::new(Code::ParameterRefused, why);
    let mut given = Vec::with_capacity(operation.parameters.len());
    for (pattern, segment) in operation.path.iter().zip(&target.segments) {
        if let Segment::Parameter(at) = pattern
            && let Some(parameter) = operation.parameters.get(*at)
        {
            given.push(Given { name: &parameter.name, value: segment.into(), sensitive: parameter.sensitive });
        }
    }
    for (name, value) in &target.query {
        let declared = operation.parameters.iter().find(|p| !p.in_path && *p.name == **name);
        let Some(parameter) = declared else {
            return Err(refused("the operation declares no such query parameter"));
        };
        if given.iter().any(|g| *g.name == **name) {
            return Err(refused("a query parameter is given twice"));
        }
        given.push(Given { name: &parameter.name, value: value.into(), sensitive: parameter.sensitive });
    }
    if given.iter().any(|g| g.value.is_empty() || g.value.chars().count() > MAX_VALUE) {
        return Err(refused("a parameter's value must have 1 to 256 characters"));
    }
    if operation.parameters.iter().any(|p| p.required && !given.iter().any(|g| *g.name == *p.name)) {
        return Err(refused("a required parameter is missing"));
    }
    Ok(given)
}

/// Path and query for the upstream, encoded anew below its base path.
pub fn upstream_target(base: &str, operation: &Operation, given: &[Given<'_>]) -> String {
    let mut out = String::with_capacity(base.len() + 64);
    out.push_str(base);
    for segment in &operation.path {
        out.push('/');
        match segment {
            Segment::Literal(literal) => out.push_str(literal),
            Segment::Parameter(at) => {
                let name = operation.parameters.get(*at).map_or("", |p| &*p.name);
                if let Some(value) = given.iter().find(|g| g.name == name) {
                    encode(&value.value, &mut out);
                }
            }
        }
    }
    let mut lead = '?';
    for parameter in operation.parameters.iter().filter(|p| !p.in_path) {
        if let Some(value) = given.iter().find(|g| *g.name == *parameter.name) {
            out.push(lead);
            encode(&parameter.name, &mut out);
            out.push('=');
            encode(&value.value, &mut out);
            lead = '&';
        }
    }
    out
}
