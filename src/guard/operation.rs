//! Which granted operation a call means, and the values of its parameters. A path that the catalogue
//! gives to another operation is that operation's, granted or not: a placeholder never reaches it.

use std::borrow::Cow;

use super::target::Target;
use crate::api::v1alpha1::shared_resource::{Interface, Method};
use crate::judge::refusal::{Code, Refusal};
use crate::judge::served::{Operation, Parameter, Plan, Segment};

/// Longest value of a parameter, in characters.
const MAX_VALUE: usize = 256;

/// Values of a call's parameters, in the order in which they are declared; optional ones may be missing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Values<'a>(pub Vec<(usize, &'a str)>);

/// Position of the operation in the plan. The path begins with namespace and name of the resource.
#[must_use]
pub fn find(plan: &Plan, method: &hyper::Method, target: &Target<'_>) -> Option<usize> {
    let method = match *method {
        hyper::Method::GET => Method::GET,
        hyper::Method::POST => Method::POST,
        _ => return None,
    };
    let [namespace, name, path @ ..] = target.segments.as_slice() else { return None };
    let key = &plan.resource.key;
    if **namespace != *key.namespace || **name != *key.name {
        return None;
    }
    let granted = plan.operations.iter().enumerate().filter(|(_, operation)| operation.method == method);
    let (best, at) = granted
        .filter_map(|(at, operation)| Some((shape(operation.path.iter().map(written), path)?, at)))
        .max_by_key(|(shape, at)| (*shape, std::cmp::Reverse(*at)))?;
    let closer = plan.resource.spec.interface.as_ref().is_some_and(|all| nearest(all, method, path) > Some(best));
    (!closer).then_some(at)
}

/// The closest fit among all operations of the catalogue.
fn nearest(interface: &Interface, method: Method, path: &[Cow<'_, str>]) -> Option<u64> {
    let all = interface.operations.iter().filter(|operation| operation.method == method);
    all.filter_map(|operation| {
        let template = operation.path.strip_prefix('/')?.split('/');
        shape(template.map(|text| (!text.starts_with('{')).then_some(text)), path)
    })
    .max()
}

fn written(segment: &Segment) -> Option<&str> {
    match segment {
        Segment::Literal(text) => Some(text),
        Segment::Parameter(_) => None,
    }
}

/// How closely a template fits: one bit per segment, set where it is literal, the first one highest.
fn shape<'t>(template: impl Iterator<Item = Option<&'t str>>, path: &[Cow<'_, str>]) -> Option<u64> {
    let mut template = template;
    let mut bits = 0;
    for given in path {
        bits = match template.next()? {
            Some(literal) if literal != &**given => return None,
            Some(_) => bits << 1 | 1,
            None => bits << 1,
        };
    }
    template.next().is_none().then_some(bits)
}

/// The values of the declared parameters; anything else is refused.
pub fn values<'t>(operation: &Operation, target: &'t Target<'_>) -> Result<Values<'t>, Refusal> {
    let declared = &operation.parameters;
    let mut values = Vec::with_capacity(declared.len());
    let path = target.segments.get(2..).unwrap_or_default();
    for (segment, value) in operation.path.iter().zip(path) {
        if let Segment::Parameter(at) = segment {
            values.push((*at, checked(declared.get(*at), value)?));
        }
    }
    for (name, value) in &target.query {
        let found = declared.iter().position(|parameter| !parameter.in_path && *parameter.name == **name);
        let Some(at) = found else {
            return Err(refused("the query has a parameter that the operation does not declare"));
        };
        if values.iter().any(|(taken, _)| *taken == at) {
            return Err(of(declared.get(at), "is given twice"));
        }
        values.push((at, checked(declared.get(at), value)?));
    }
    values.sort_unstable_by_key(|(at, _)| *at);
    let missing =
        |(at, parameter): &(usize, &Parameter)| parameter.required && !values.iter().any(|(given, _)| given == at);
    match declared.iter().enumerate().find(missing) {
        Some((_, parameter)) => Err(of(Some(parameter), "is missing")),
        None => Ok(Values(values)),
    }
}

fn checked<'t>(parameter: Option<&Parameter>, value: &'t str) -> Result<&'t str, Refusal> {
    if value.is_empty() {
        return Err(of(parameter, "is empty"));
    }
    if value.chars().take(MAX_VALUE + 1).count() > MAX_VALUE {
        return Err(of(parameter, "is longer than 256 characters"));
    }
    if value.chars().any(char::is_control) {
        return Err(of(parameter, "has a control character"));
    }
    // some servers take a backslash for a slash
    if parameter.is_some_and(|parameter| parameter.in_path) && value.contains(['/', '\\']) {
        return Err(of(parameter, "has a slash, which no path value may have"));
    }
    Ok(value)
}

/// Names come from the catalogue, never from the caller.
fn of(parameter: Option<&Parameter>, what: &str) -> Refusal {
    let name = parameter.map_or("", |parameter| &parameter.name);
    Refusal::new(Code::ParameterRefused, format!("parameter `{name}` {what}"))
}

fn refused(detail: &'static str) -> Refusal {
    Refusal::new(Code::ParameterRefused, detail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shape_of(template: &str, path: &str) -> Option<u64> {
        let path: Vec<Cow<'_, str>> = path.split('/').map(Cow::from).collect();
        shape(template.split('/').map(|text| (!text.starts_with('{')).then_some(text)), &path)
    }

    fn operation() -> Operation {
        let parameter =
            |name: &str, in_path, required| Parameter { name: name.into(), in_path, required, sensitive: false };
        Operation {
            name: "by-id".into(),
            method: Method::GET,
            path: [Segment::Literal("a".into()), Segment::Parameter(0)].into(),
            parameters: [parameter("id", true, true), parameter("page", false, false), parameter("year", false, true)]
                .into(),
        }
    }

    fn refusal(path: &str, query: &str) -> String {
        let target = Target::parse(path, Some(query)).unwrap();
        let refusal = values(&operation(), &target).unwrap_err();
        assert_eq!(refusal.code, Code::ParameterRefused);
        refusal.detail.into_owned()
    }

    #[test]
    fn literals_outrank_placeholders_from_the_left() {
        assert_eq!(shape_of("a/{x}", "a/b"), Some(0b10));
        assert_eq!(shape_of("a/b", "a/b"), Some(0b11));
        assert!(shape_of("a/{x}", "a/b") > shape_of("{x}/b", "a/b"));
        assert_eq!(shape_of("a/{x}", "a"), None);
        assert_eq!(shape_of("a/{x}", "a/b/c"), None);
        assert_eq!(shape_of("a/b", "a/c"), None);
    }

    #[test]
    fn values_come_in_the_declared_order() {
        let target = Target::parse("/n/r/a/%31", Some("year=2026&page=2")).unwrap();
        assert_eq!(values(&operation(), &target).unwrap().0, [(0, "1"), (1, "2"), (2, "2026")]);
        let target = Target::parse("/n/r/a/1", Some("year=a/b")).unwrap();
        assert_eq!(values(&operation(), &target).unwrap().0, [(0, "1"), (2, "a/b")]);
    }

    #[test]
    fn refuses_what_is_not_declared_once_and_well_formed() {
        assert_eq!(refusal("/n/r/a/1", "page=1"), "parameter `year` is missing");
        assert_eq!(refusal("/n/r/a/1", "year=1&year=1"), "parameter `year` is given twice");
        assert_eq!(refusal("/n/r/a/1", "year="), "parameter `year` is empty");
        assert_eq!(refusal("/n/r/a/1", "year"), "parameter `year` is empty");
        assert_eq!(refusal("/n/r/a/%00", "year=1"), "parameter `id` has a control character");
        assert_eq!(refusal("/n/r/a/1%2F2", "year=1"), "parameter `id` has a slash, which no path value may have");
        assert_eq!(refusal("/n/r/a/..%5C2", "year=1"), "parameter `id` has a slash, which no path value may have");
        let long = format!("year={}", "9".repeat(257));
        assert_eq!(refusal("/n/r/a/1", &long), "parameter `year` is longer than 256 characters");
        for undeclared in ["Year=1", "id=1&year=1", "year=1&x=zzz", "year=1&", "&year=1"] {
            let said = refusal("/n/r/a/1", undeclared);
            assert_eq!(said, "the query has a parameter that the operation does not declare", "{undeclared}");
        }
    }

    proptest! {
        #[test]
        fn the_closest_of_all_that_fit_is_the_first_literal_from_the_left(
            templates in prop::collection::vec(prop::collection::vec(prop::sample::select(vec!["a", "b", "{x}"]), 1..4), 1..6),
            path in prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4),
        ) {
            let given: Vec<Cow<'_, str>> = path.iter().map(|text| Cow::from(*text)).collect();
            let ours = templates.iter().filter_map(|one| shape(one.iter().map(|t| (!t.starts_with('{')).then_some(*t)), &given)).max();
            let fits = |one: &&Vec<&str>| one.len() == path.len() && one.iter().zip(&path).all(|(t, p)| t.starts_with('{') || t == p);
            let theirs = templates.iter().filter(fits).map(|one| one.iter().map(|t| !t.starts_with('{')).collect::<Vec<_>>()).max();
            let bits = |all: Vec<bool>| all.into_iter().fold(0, |bits, literal| bits << 1 | u64::from(literal));
            prop_assert_eq!(ours, theirs.map(bits));
        }

        #[test]
        fn values_that_are_taken_are_declared_and_well_formed(id in "\\PC{0,4}|[/%\0]{1,2}", query in "((year|page|x)=?[0-9&=]{0,3}&?){0,4}") {
            let path: String = id.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let path = format!("/n/r/a/{path}");
            let Ok(target) = Target::parse(&path, Some(&query)) else { return Ok(()) };
            let operation = operation();
            let Ok(values) = values(&operation, &target) else { return Ok(()) };
            prop_assert!(values.0.iter().all(|(at, value)| *at < 3 && !value.is_empty() && !value.contains(char::is_control)));
            prop_assert!(values.0.is_sorted_by(|(a, _), (b, _)| a < b));
            prop_assert!(values.0.contains(&(0, id.as_str())) && !id.contains('/'));
            prop_assert!(values.0.iter().any(|(at, _)| *at == 2), "year is required");
        }
    }
}
