//! The sample upstream: its data fits the catalogues it is made for.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::*;

fn field(name: &str, title: &str, path: &str, kind: ValueKind) -> SampleField {
    SampleField { name: name.into(), title: title.into(), path: path.into(), kind }
}

fn ownership() -> SampleResource {
    SampleResource {
        host: "share.example".into(),
        base_path: "/api".into(),
        operations: vec![SampleOperation {
            name: "by-owner".into(),
            method: "GET".into(),
            path: "/owners/{ownerIdNumber}".into(),
        }],
        fields: vec![
            field("certificateNumber", "不动产权证号", "$.data[*].certificateNumber", ValueKind::String),
            field("buildingArea", "建筑面积", "$.data[*].buildingArea", ValueKind::Number),
            field("floor", "所在层", "$.data[*].floor", ValueKind::Integer),
            field("seized", "是否查封", "$.data[*].seizure.registered", ValueKind::Boolean),
            field("ownerName", "权利人", "$.data[*].owners[*].name", ValueKind::String),
            field("ownerIdNumber", "权利人证件号", "$.data[*].owners[*].idNumber", ValueKind::String),
        ],
    }
}

fn call(resource: &SampleResource, parameters: &[(&str, &str)]) -> Value {
    let parameters: BTreeMap<_, _> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    document(resource, "by-owner", &parameters)
}

/// Every value at a path, and whether the way there was complete.
fn at<'a>(value: &'a Value, path: &str) -> Vec<Option<&'a Value>> {
    let steps = path.trim_start_matches('$').replace("[*]", ".*");
    let mut found = vec![Some(value)];
    for step in steps.split('.').filter(|step| !step.is_empty()) {
        found = found
            .into_iter()
            .flat_map(|value| match (step, value) {
                ("*", Some(Value::Array(items))) => items.iter().map(Some).collect::<Vec<_>>(),
                ("*", _) | (_, None) => vec![None],
                (name, Some(value)) => vec![value.get(name)],
            })
            .collect();
    }
    found
}

fn is_of(kind: ValueKind, value: &Value) -> bool {
    match kind {
        ValueKind::String => value.is_string(),
        ValueKind::Integer => value.is_i64() || value.is_u64(),
        ValueKind::Number => value.is_number(),
        ValueKind::Boolean => value.is_boolean(),
    }
}

#[test]
fn an_answer_has_the_person_asked_for_once_per_home_and_members_nobody_catalogued() {
    let id = "00000019900101222X";
    let answer = call(&ownership(), &[("ownerIdNumber", id)]);
    for home in answer["data"].as_array().unwrap() {
        let owners = home["owners"].as_array().unwrap();
        assert_eq!(owners[0]["idNumber"], id, "{answer:#}");
        assert_eq!(owners.iter().filter(|owner| owner["idNumber"] == id).count(), 1);
        assert!(home["operatorId"].is_string() && home["internalRemark"].is_string());
        assert!(home["certificateNumber"].as_str().unwrap().starts_with("鲁(20"));
    }
    assert!(answer["traceId"].is_string());
}

#[test]
fn the_same_call_gets_the_same_answer_and_another_call_another() {
    let first = call(&ownership(), &[("ownerIdNumber", "1")]);
    assert_eq!(first, call(&ownership(), &[("ownerIdNumber", "1")]));
    assert_ne!(first, call(&ownership(), &[("ownerIdNumber", "2")]));
}

#[test]
fn a_catalogue_that_names_our_extra_members_keeps_its_own() {
    let mut resource = ownership();
    resource.fields.push(field("traceId", "编号", "$.traceId", ValueKind::Integer));
    assert!(call(&resource, &[])["traceId"].is_u64());
}

prop_compose! {
    fn any_path()(root in "[a-c]", members in prop::collection::vec(("[a-d]{1,2}", any::<bool>()), 0..4), last in "[e-h]{1,2}") -> String {
        let way: String = members.iter().map(|(name, each)| format!(".{name}{}", if *each { "[*]" } else { "" })).collect();
        format!("$.{root}{way}.{last}")
    }
}

prop_compose! {
    fn any_field()(
        name in prop::sample::select(vec!["idNumber", "spouseName", "birthDate", "validTo", "uscc", "x", "areaCode", "phone"]),
        title in prop::sample::select(vec!["身份证号", "姓名", "建筑面积（平方米）", "（）", "编号", "不动产单元号", "状态", "坐落", "贷款期限（月）", "x"]),
        path in any_path(),
        kind in prop::sample::select(vec![ValueKind::String, ValueKind::Integer, ValueKind::Number, ValueKind::Boolean]),
    ) -> SampleField {
        field(name, title, &path, kind)
    }
}

/// Keeps the fields that can stand in one document.
fn compatible(fields: Vec<SampleField>) -> Vec<SampleField> {
    let mut kept: Vec<SampleField> = Vec::new();
    for field in fields {
        let shape_before = shape::Shape::of(kept.iter().map(|field| field.path.as_str()));
        let shape_after = shape::Shape::of(kept.iter().map(|field| field.path.as_str()).chain([field.path.as_str()]));
        if shape_before != shape_after {
            kept.push(field);
        }
    }
    kept
}

proptest! {
    #[test]
    fn every_catalogued_path_is_there_with_its_type(
        fields in prop::collection::vec(any_field(), 1..12).prop_map(compatible),
        asked in prop::collection::btree_map("idNumber|x|phone|areaCode", "\\PC{0,20}", 0..3),
    ) {
        let resource = SampleResource { host: "h.example".into(), fields, ..SampleResource::default() };
        let answer = document(&resource, "op", &asked);
        let again: Value = serde_json::from_str(&answer.to_string()).unwrap();
        prop_assert_eq!(&again, &document(&resource, "op", &asked));
        for field in &resource.fields {
            for value in at(&answer, &field.path) {
                prop_assert!(value.is_some_and(|value| is_of(field.kind, value)), "{} in {answer:#}", field.path);
            }
        }
    }

    #[test]
    fn check_digits_are_right(number in any::<u32>(), year in 1900_u32..2100, month in 1_u32..13, day in 1_u32..29) {
        let identity = codes::identity(&format!("{year}{month:02}{day:02}"), number);
        let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        let sum: u32 = identity.chars().zip(weights).map(|(digit, weight)| digit.to_digit(10).unwrap() * weight).sum();
        prop_assert_eq!(identity.chars().nth(17), "10X98765432".chars().nth((sum % 11) as usize));

        let code = codes::credit("91", number);
        let letters = "0123456789ABCDEFGHJKLMNPQRTUWXY";
        let weights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28, 1];
        let sum: usize = code.chars().zip(weights).map(|(letter, weight)| letters.find(letter).unwrap() * weight).sum();
        prop_assert_eq!(sum % 31, 0, "{}", code);
    }
}

async fn exchange(stream: &mut TcpStream, head: &str) -> (String, Value) {
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&received).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned))
                .unwrap()
                .parse()
                .unwrap();
            if body.len() == length {
                return (head.to_owned(), serde_json::from_str(body).unwrap());
            }
        }
        assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0, "closed early: {text}");
    }
}

#[tokio::test]
async fn the_server_answers_json_and_ends_when_told_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let catalogue = Arc::new(SampleCatalogue::new([ownership()]));
    let shutdown = CancellationToken::new();
    let source: CatalogueSource = Arc::new(move || Arc::clone(&catalogue));
    let server = tokio::spawn(serve(listener, source, shutdown.clone()));

    let mut client = TcpStream::connect(address).await.unwrap();
    let (head, body) = exchange(&mut client, "GET /api/owners/%E6%9D%8E HTTP/1.1\r\nHost: share.example\r\n\r\n").await;
    assert!(
        head.starts_with("HTTP/1.1 200") && head.to_lowercase().contains("content-type: application/json"),
        "{head}"
    );
    assert_eq!(body["data"][0]["owners"][0]["idNumber"], "李");
    let (head, body) = exchange(&mut client, "GET /elsewhere HTTP/1.1\r\nHost: share.example\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    assert_eq!(body["code"], "404");

    shutdown.cancel();
    server.await.unwrap();
    assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
}
