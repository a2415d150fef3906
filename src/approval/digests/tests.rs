//! Digests: what they cover and what they leave out.

use super::*;

fn resource() -> Value {
    json!({
        "title": "不动产权属信息", "direction": "Out", "sharing": "Conditional",
        "provider": {"name": "登记中心", "code": "12370100495500888X"},
        "channel": {"tier": "City"},
        "fields": [
            {"name": "owner", "title": "权利人", "path": "$.data[*].owner", "type": "String", "class": "Personal"},
            {"name": "area", "title": "面积", "path": "$.data[*].area", "type": "Number", "class": "Internal"},
            {"name": "id", "title": "身份证号", "path": "$.data[*].id", "type": "String", "class": "Personal"},
        ],
        "interface": {"standard": "s", "upstream": {"url": "https://a.example"}, "operations": [
            {"name": "by-unit", "method": "GET", "path": "/u/{unit}", "parameters": [
                {"name": "unit", "in": "Path"}, {"name": "Page", "in": "Query", "required": false}]},
            {"name": "by-owner", "title": "按权利人", "method": "POST", "path": "/o"},
        ]},
        "table": {"database": {"secretRef": {"name": "db", "key": "url"}}, "schema": "public", "name": "ownership"},
        "files": {"store": "s3://b", "prefix": "monthly/"},
        "approval": [{"role": "Provider", "principals": ["a@x"]}],
    })
}

fn slice_of(resource: &Value, fields: &[&str], operations: &[&str], mode: Mode) -> Value {
    let spec = serde_json::from_value(resource.clone()).unwrap();
    slice_value("ns", "r", &spec, fields, operations, mode).unwrap()
}

fn digest_of(resource: &Value, fields: &[&str], operations: &[&str], mode: Mode) -> Digest {
    digest(&slice_of(resource, fields, operations, mode)).unwrap()
}

#[test]
fn a_slice_holds_what_was_reviewed_sorted_by_name() {
    let slice = slice_of(&resource(), &["owner", "area", "nowhere"], &["by-unit", "by-owner"], Mode::Interface);
    let expected = json!({
        "metadata": {"namespace": "ns", "name": "r"}, "direction": "Out", "sharing": "Conditional",
        "provider": {"code": "12370100495500888X"},
        "fields": [
            {"name": "area", "path": "$.data[*].area", "type": "Number", "class": "Internal"},
            {"name": "owner", "path": "$.data[*].owner", "type": "String", "class": "Personal"},
        ],
        "operations": [
            {"name": "by-owner", "method": "POST", "path": "/o", "parameters": null},
            {"name": "by-unit", "method": "GET", "path": "/u/{unit}", "parameters": [
                {"name": "Page", "in": "Query", "required": false}, {"name": "unit", "in": "Path"}]},
        ],
    });
    assert_eq!(slice, expected);
}

#[test]
fn table_and_files_count_in_their_own_mode_only() {
    let table = slice_of(&resource(), &["area"], &["by-unit"], Mode::Table);
    assert_eq!(table["table"], json!({"schema": "public", "name": "ownership", "rowFilter": null}));
    assert_eq!((table.get("files"), &table["operations"]), (None, &json!([])));
    let files = slice_of(&resource(), &["area"], &[], Mode::File);
    assert_eq!((&files["files"], files.get("table")), (&json!({"prefix": "monthly/"}), None));
    let other = slice_of(&resource(), &["area"], &[], Mode::Other);
    assert_eq!((other.get("table"), other.get("files")), (None, None));
}

#[test]
fn what_others_were_granted_disturbs_nobody_and_what_i_was_granted_does() {
    let before = resource();
    let digest = |resource: &Value| digest_of(resource, &["owner", "area"], &["by-unit"], Mode::Interface);
    let with = |pointer: &str, value: Value| {
        let mut changed = before.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    for (pointer, value) in [
        ("/title", json!("新名")),
        ("/provider/name", json!("新名")),
        ("/fields/0/title", json!("所有人")),
        ("/fields/2/path", json!("$.data[*].other")),
        ("/fields/2/class", json!("Public")),
        ("/interface/upstream/url", json!("https://b.example")),
        ("/interface/operations/1/path", json!("/other")),
        ("/approval/0/principals", json!(["b@x"])),
        ("/table/name", json!("other")),
    ] {
        assert_eq!(digest(&with(pointer, value)), digest(&before), "{pointer}");
    }
    for (pointer, value) in [
        ("/direction", json!("In")),
        ("/sharing", json!("Unconditional")),
        ("/provider/code", json!("11370100004188000X")),
        ("/fields/0/path", json!("$.data[*].id")),
        ("/fields/0/type", json!("Integer")),
        ("/fields/1/class", json!("Personal")),
        ("/interface/operations/0/path", json!("/v/{unit}")),
        ("/interface/operations/0/method", json!("POST")),
        ("/interface/operations/0/parameters/0/in", json!("Query")),
        ("/interface/operations/0/parameters/1/required", json!(true)),
    ] {
        assert_ne!(digest(&with(pointer, value)), digest(&before), "{pointer}");
    }
}

#[test]
fn the_order_of_lists_does_not_matter_in_a_slice() {
    let mut turned = resource();
    turned["fields"].as_array_mut().unwrap().reverse();
    turned["interface"]["operations"].as_array_mut().unwrap().reverse();
    assert_eq!(
        digest_of(&turned, &["area", "owner"], &["by-owner", "by-unit"], Mode::Interface),
        digest_of(&resource(), &["owner", "area"], &["by-unit", "by-owner"], Mode::Interface),
    );
}

#[test]
fn terms_are_everything_but_the_approvals() {
    let mut spec: AccessGrantSpec = serde_json::from_value(json!({
        "serial": "1", "requestRef": {"namespace": "a", "name": "b", "digest": "d"},
        "resourceRef": {"name": "r", "digest": "d"}, "decision": "Denied", "reason": "no", "users": [],
    }))
    .unwrap();
    let unsigned = terms(&spec).unwrap();
    assert_eq!(terms_value(&spec).unwrap()["users"], json!([]), "an empty list is kept as written");
    spec.approvals = Some(Vec::new());
    assert_eq!(terms(&spec).unwrap(), unsigned);
    spec.users = None;
    assert_ne!(terms(&spec).unwrap(), unsigned);
}
