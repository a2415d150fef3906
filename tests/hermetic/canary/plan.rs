//! What is granted in the documents of this suite, as trees that the generator can walk.

use datashare::fields::LeafType;

/// A granted value and what is granted below it.
#[derive(Debug)]
pub enum Plan {
    Leaf(LeafType),
    Object(Vec<(&'static str, Plan)>),
    Array(Box<Plan>),
}

use LeafType::{Boolean, Integer, Number, String as Text};
use Plan::{Array, Leaf, Object};

fn array(element: Plan) -> Plan {
    Array(Box::new(element))
}

pub fn all() -> Vec<Plan> {
    let person = || {
        Object(vec![
            ("name", Leaf(Text)),
            ("id", Leaf(Integer)),
            ("address", Object(vec![("city", Leaf(Text)), ("area", Leaf(Number))])),
        ])
    };
    vec![
        Object(vec![("data", array(person()))]),
        Object(vec![("name", Leaf(Text)), ("married", Leaf(Boolean))]),
        array(Object(vec![("v", Leaf(Number)), ("name", Leaf(Text))])),
        Object(vec![("rows", array(array(Object(vec![("v", Leaf(Integer))])))), ("total", Leaf(Integer))]),
        Object(vec![("姓名", Leaf(Text)), ("a\"b\\c\u{1}/😀", Leaf(Text)), ("", Leaf(Boolean)), ("data", person())]),
        Object(vec![
            ("data", array(Object(vec![("id", Leaf(Integer)), ("tags", array(Object(vec![("v", Leaf(Text))])))]))),
            ("page", Object(vec![("total", Leaf(Integer))])),
        ]),
        Object((0..40).map(|n| (&*format!("aLongCommonPrefix{n}").leak(), Leaf(Number))).collect()),
    ]
}

impl Plan {
    /// The granted paths, every name quoted as JSON quotes it, which RFC 9535 allows.
    pub fn paths(&self) -> Vec<(String, LeafType)> {
        let mut paths = Vec::new();
        self.collect("$", &mut paths);
        paths
    }

    fn collect(&self, way: &str, paths: &mut Vec<(String, LeafType)>) {
        match self {
            Leaf(leaf) => paths.push((way.to_owned(), *leaf)),
            Array(element) => element.collect(&format!("{way}[*]"), paths),
            Object(members) => {
                for (name, child) in members {
                    child.collect(&format!("{way}[{}]", serde_json::to_string(name).unwrap()), paths);
                }
            }
        }
    }

    pub fn has_arrays(&self) -> bool {
        match self {
            Leaf(_) => false,
            Array(_) => true,
            Object(members) => members.iter().any(|(_, child)| child.has_arrays()),
        }
    }
}
