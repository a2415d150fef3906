//! Trees of granted fields, built from paths.

use super::*;

fn fields(paths: &[&str]) -> Vec<(FieldPath, LeafType)> {
    paths.iter().map(|path| (path.parse().unwrap(), LeafType::String)).collect()
}

fn refused(paths: &[&str]) -> TreeError {
    let found = Projection::new(fields(paths)).unwrap_err();
    let mut backwards = fields(paths);
    backwards.reverse();
    let other = Projection::new(backwards).unwrap_err();
    assert_eq!(std::mem::discriminant(&found), std::mem::discriminant(&other), "order means nothing");
    found
}

#[test]
fn nothing_granted_is_no_projection() {
    assert_eq!(refused(&[]), TreeError::Empty);
}

#[test]
fn a_path_is_granted_once_however_it_is_written() {
    let path = "$.a.b".parse().unwrap();
    assert_eq!(refused(&["$.a.b", "$['a'][\"b\"]"]), TreeError::Twice { path });
}

#[test]
fn no_path_leads_through_a_leaf() {
    let leaf: FieldPath = "$.a".parse().unwrap();
    for below in ["$.a.b", "$.a[*].b", "$.a.b[*][*].c"] {
        let path = below.parse().unwrap();
        assert_eq!(refused(&["$.a", below]), TreeError::ThroughLeaf { path, leaf: leaf.clone() });
    }
    let said = refused(&["$.a", "$.a.b"]).to_string();
    assert!(said.starts_with("$.a.b leads through $.a,"), "{said}");
}

#[test]
fn no_value_is_both_array_and_object() {
    for (one, other) in [("$.a[*].b", "$.a.b"), ("$[*].a", "$.a"), ("$.a[*][*].b", "$.a[*].b")] {
        assert!(matches!(refused(&[one, other]), TreeError::ArrayOrObject { .. }), "{one} {other}");
    }
}

#[test]
fn paths_side_by_side_are_one_tree() {
    let paths = ["$.data[*].name", "$.data[*].address.city", "$.data[*].address.street", "$.total", "$.data2[*][*].x"];
    assert!(Projection::new(fields(&paths)).is_ok());
}

#[test]
fn a_clone_shares_the_tree() {
    let projection = Projection::new(fields(&["$.a"])).unwrap();
    assert!(Arc::ptr_eq(&projection.0, &projection.clone().0));
}

#[test]
fn members_are_found_by_their_whole_name() {
    let names: Vec<String> =
        (0..60).map(|n| format!("aLongCommonPrefix{n}")).chain(["a".into(), "a\0".into(), String::new()]).collect();
    let paths = names.iter().map(|name| format!("$[{}]", serde_json::to_string(name).unwrap()));
    let projection = Projection::new(paths.map(|path| (path.parse().unwrap(), LeafType::String))).unwrap();
    let tree = projection.tree();
    let Some(Slot { node: Node::Object(members), .. }) = tree.root().and_then(|id| tree.get(id)) else { panic!() };
    for name in &names {
        let child = members.find(head_of(name.as_bytes()), name.as_bytes()).unwrap();
        let token = format!(",{}:", serde_json::to_string(name).unwrap());
        assert_eq!(*tree.get(child).unwrap().token, *token.as_bytes());
    }
    for other in ["aLongCommonPrefix", "aLongCommonPrefix60", "a\0\0", "b", "aLongCommonPrefix1 "] {
        assert_eq!(members.find(head_of(other.as_bytes()), other.as_bytes()), None, "{other}");
    }
}

#[test]
fn names_are_written_as_json() {
    let name = "\"\\\u{8}\u{c}\n\r\t\u{1}\u{1f}\u{7f}/中😀";
    assert_eq!(*token_of(name), *format!(",{}:", serde_json::to_string(name).unwrap()).as_bytes());
}
