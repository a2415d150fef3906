//! One invented value for one field.

use serde_json::{Number, Value};

use super::meaning::{self, Meaning};
use super::person::Person;
use super::seed::Seed;
use super::{SampleField, ValueKind, codes, words};

/// What fields of one record have in common.
pub(super) struct Record<'a> {
    pub(super) seed: Seed,
    /// The value that the call gave for a field of this name, if this record is to show it.
    pub(super) asked: &'a dyn Fn(&str) -> Option<&'a str>,
}

impl Record<'_> {
    /// The field's value: what the call asked for, or something believable of the field's type.
    pub(super) fn value(&self, field: &SampleField) -> Value {
        let seed = self.seed.child(&field.name);
        (self.asked)(&field.name).and_then(|asked| echo(field.kind, asked)).unwrap_or_else(|| match field.kind {
            ValueKind::String => Value::String(self.text(field, &seed)),
            ValueKind::Integer => Value::from(integer(field, &seed)),
            ValueKind::Number => number(field, &seed),
            ValueKind::Boolean => Value::Bool(boolean(field, &seed)),
        })
    }

    fn person(&self, field: &SampleField) -> Person {
        let role = meaning::role(&field.name);
        let known =
            (self.asked)(&format!("{role}IdNumber")).or_else(|| (self.asked)("idNumber").filter(|_| role.is_empty()));
        Person::in_role(&self.seed, role, known)
    }

    fn text(&self, field: &SampleField, seed: &Seed) -> String {
        match meaning::of(field) {
            Meaning::Identity => self.person(field).identity,
            Meaning::BirthDate => self.person(field).birth,
            Meaning::Sex => if self.person(field).male { "男" } else { "女" }.to_owned(),
            Meaning::PersonName => self.person(field).name,
            Meaning::CreditCode => codes::credit("91", seed.below("code", 100_000)),
            Meaning::Phone => format!("1000000{:04}", seed.below("phone", 10_000)),
            Meaning::EarlierDate => date(seed, 2015, 2025),
            Meaning::LaterDate => date(seed, 2029, 2045),
            Meaning::PropertyCertificate => {
                format!(
                    "鲁({})济南市不动产权第{:07}号",
                    seed.between("year", 2016, 2026),
                    seed.below("number", 100_000)
                )
            }
            Meaning::UnitNumber => format!("{}F{:08}", parcel(seed), seed.below("unit", 10_000)),
            Meaning::ParcelCode => parcel(seed),
            Meaning::Number => {
                format!("示例{}{:08}", seed.between("year", 2016, 2026), seed.below("number", 1_000_000))
            }
            Meaning::Address => address(seed),
            Meaning::Company => {
                format!(
                    "济南{}{}有限公司（示例）",
                    seed.pick("company", words::COMPANIES),
                    seed.pick("trade", words::TRADES)
                )
            }
            Meaning::Project => {
                format!("{}{}期（示例）", seed.pick("estate", words::ESTATES), seed.between("phase", 1, 5))
            }
            Meaning::Words(words) => seed.pick("word", words).to_owned(),
            Meaning::Unknown => format!("示例{}", meaning::title_without_unit(&field.title)),
        }
    }
}

/// The asked value in the field's own type, if it is of that type.
fn echo(kind: ValueKind, asked: &str) -> Option<Value> {
    match kind {
        ValueKind::String => Some(Value::String(asked.to_owned())),
        ValueKind::Integer => asked.parse::<i64>().ok().map(Value::from),
        ValueKind::Number => asked.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number),
        ValueKind::Boolean => asked.parse::<bool>().ok().map(Value::Bool),
    }
}

fn integer(field: &SampleField, seed: &Seed) -> u32 {
    let any = |words: &[&str]| words.iter().any(|word| field.title.contains(word));
    let (low, high) = match () {
        () if any(&["期限（月）"]) => return seed.between("years", 5, 30) * 12,
        () if any(&["层"]) => (1, 33),
        () if any(&["体重"]) => (2500, 4300),
        () if any(&["界址"]) => (4, 24),
        () if any(&["次数", "副本", "数"]) => (0, 3),
        () => (1, 100),
    };
    seed.between("integer", low, high)
}

fn number(field: &SampleField, seed: &Seed) -> Value {
    let any = |words: &[&str]| words.iter().any(|word| field.title.contains(word));
    // in hundredths
    let (low, high) = match () {
        () if any(&["误差"]) => (0, 90),
        () if any(&["容积率"]) => (120, 350),
        () if any(&["分摊"]) => (500, 1_500),
        () if any(&["套内"]) => (3_000, 4_500),
        () if any(&["宗地"]) => (80_000, 9_000_000),
        () if any(&["面积"]) => (4_500, 18_000),
        () if any(&["万元"]) => (1_000, 500_000),
        () if any(&["税额"]) => (0, 6_000_000),
        () if any(&["元", "价", "金额", "余额"]) => (20_000_000, 400_000_000),
        () => (100, 100_000),
    };
    Number::from_f64(f64::from(seed.between("number", low, high)) / 100.0).map_or(Value::Null, Value::Number)
}

/// What usually holds holds usually: most taxes are paid, few homes are seized.
fn boolean(field: &SampleField, seed: &Seed) -> bool {
    let rare = ["抵押", "查封", "异常"].iter().any(|word| field.title.contains(word));
    (seed.below("boolean", 5) == 0) == rare
}

fn date(seed: &Seed, from: u32, to: u32) -> String {
    format!("{}-{:02}-{:02}", seed.between("year", from, to), seed.between("month", 1, 12), seed.between("day", 1, 28))
}

/// 19 characters as of a parcel, in the region 000000, which does not exist.
fn parcel(seed: &Seed) -> String {
    format!("000000{:03}{:03}GB{:05}", seed.below("area", 1000), seed.below("sub", 1000), seed.below("parcel", 100_000))
}

fn address(seed: &Seed) -> String {
    format!(
        "济南市{}{}{}号{}{}号楼{}单元{}{:02}室",
        seed.pick("district", words::DISTRICTS),
        seed.pick("street", words::STREETS),
        seed.between("house", 1, 399),
        seed.pick("estate", words::ESTATES),
        seed.between("building", 1, 30),
        seed.between("stair", 1, 4),
        seed.between("floor", 1, 33),
        seed.between("door", 1, 4)
    )
}
