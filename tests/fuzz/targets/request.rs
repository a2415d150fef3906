//! The request target and the operation it means. The target is read exactly once: written canonically
//! it reads the same, and no part of it can climb or split. The operation is the closest of all that
//! fit, and its values are what it declares.
#![no_main]

use std::sync::{Arc, LazyLock};

use datashare::{api, judge};
use datashare_fuzz::objects;
use hyper::Method;
use judge::facts::{Key, Resource};
use judge::served::{Operation, Parameter, Plan, Segment};
use libfuzzer_sys::fuzz_target;

#[path = "../../../src/guard/operation.rs"]
#[allow(dead_code)]
mod operation;
#[path = "../../../src/guard/target.rs"]
#[allow(dead_code)]
mod target;

use target::Target;

const RESOURCE: &str = include_str!("../seeds/resource.yaml");

/// Every operation of the catalogue but the last, which is another grant's.
static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let object = objects(RESOURCE).pop().and_then(|loaded| loaded.object).unwrap();
    let datashare::source::object::Spec::SharedResource(spec) = object.spec else { panic!("a resource") };
    let offered = &spec.interface.as_ref().unwrap().operations;
    let operations = offered[..offered.len() - 1].iter().map(|offered| {
        let declared = offered.parameters.as_deref().unwrap_or_default();
        let at = |name: &str| declared.iter().position(|parameter| parameter.name == name).unwrap();
        let segment = |text: &str| match text.strip_prefix('{') {
            Some(name) => Segment::Parameter(at(name.trim_end_matches('}'))),
            None => Segment::Literal(text.into()),
        };
        let parameter = |parameter: &api::v1alpha1::shared_resource::Parameter| Parameter {
            name: parameter.name.as_str().into(),
            in_path: offered.path.contains(&format!("{{{}}}", parameter.name)),
            required: parameter.required == Some(true) || offered.path.contains(&format!("{{{}}}", parameter.name)),
            sensitive: false,
        };
        Operation {
            name: offered.name.as_str().into(),
            method: offered.method,
            path: offered.path.trim_start_matches('/').split('/').map(segment).collect(),
            parameters: declared.iter().map(parameter).collect(),
        }
    });
    let projection =
        datashare::fields::Projection::new([("$.a".parse().unwrap(), datashare::fields::LeafType::String)]);
    Plan {
        operations: operations.collect(),
        projection: projection.unwrap(),
        fields: [].into(),
        max_response_bytes: 0,
        personal: false,
        resource: Arc::new(Resource::read(Key::new("n", "r"), &spec).unwrap()),
    }
});

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Whether a template of the catalogue takes this path, and which of its segments are literal.
fn fit(template: &str, path: &[String]) -> Option<Vec<bool>> {
    let template: Vec<&str> = template.trim_start_matches('/').split('/').collect();
    if template.len() != path.len() {
        return None;
    }
    let literal = |(text, given): (&&str, &String)| match text.starts_with('{') {
        true => Some(false),
        false => (*text == given).then_some(true),
    };
    template.iter().zip(path).map(literal).collect()
}

fuzz_target!(|text: &str| {
    let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    let Ok(target) = Target::parse(path, query) else { return };
    assert!((1..=64).contains(&target.segments.len()) && target.query.len() <= 64);
    assert!(target.segments.iter().all(|segment| !matches!(&**segment, "" | "." | "..")));
    let path: String = target.segments.iter().map(|segment| format!("/{}", encoded(segment))).collect();
    let pairs: Vec<_> =
        target.query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    let query = pairs.join("&");
    assert_eq!(Target::parse(&path, Some(&query)).as_ref(), Ok(&target));

    let found = operation::find(&PLAN, &Method::GET, &target);
    assert_eq!(operation::find(&PLAN, &Method::DELETE, &target), None);
    // the catalogue's own words, read plainly: the best fit, and only if it is granted
    let below: Vec<String> = target.segments.iter().skip(2).map(ToString::to_string).collect();
    let ours = target.segments.len() > 2 && target.segments[0] == "n" && target.segments[1] == "r";
    let all = &PLAN.resource.spec.interface.as_ref().unwrap().operations;
    let best = all
        .iter()
        .filter_map(|offered| Some((fit(&offered.path, &below)?, &offered.name)))
        .max_by_key(|(fit, _)| fit.clone());
    let expected =
        best.filter(|_| ours).and_then(|(_, name)| PLAN.operations.iter().position(|one| *one.name == **name));
    assert_eq!(found, expected);

    let Some(found) = found else { return };
    let declared = &PLAN.operations[found].parameters;
    let Ok(values) = operation::values(&PLAN.operations[found], &target) else { return };
    assert!(values.0.is_sorted_by(|(a, _), (b, _)| a < b), "each once, in order");
    for (at, value) in &values.0 {
        assert!(!value.is_empty() && value.chars().count() <= 256 && !value.contains(char::is_control));
        assert!(!declared[*at].in_path || !value.contains('/'));
    }
    let given = |at: usize| values.0.iter().any(|(other, _)| *other == at);
    assert!(declared.iter().enumerate().all(|(at, parameter)| !parameter.required || given(at)));
    assert_eq!(values.0.len(), target.query.len() + declared.iter().filter(|parameter| parameter.in_path).count());
});
