//! Documents with a canary in every ungranted name and value, written beside the projection that they must have.

use datashare::fields::{LeafType, MAX_DEPTH};

use super::plan::Plan;
use super::{CANARY, CANARY_NUMBER};

#[derive(Debug)]
pub struct Document {
    pub body: Vec<u8>,
    pub expected: Expected,
}

#[derive(Debug)]
pub enum Expected {
    Exactly {
        text: String,
        items: u64,
    },
    Refusal,
    /// A byte was changed at random: it may still be a document.
    Either,
}

/// One thing that is wrong in an otherwise good document.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Duplicate,
    BadString,
    BadNumber,
    BadLiteral,
    TooDeep,
    WrongLeaf,
    WrongContainer,
    Truncated,
    Trailing,
    ByteOrderMark,
    NotUtf8,
    Flip,
}

const FAULTS: [Fault; 12] = [
    Fault::Duplicate,
    Fault::BadString,
    Fault::BadNumber,
    Fault::BadLiteral,
    Fault::TooDeep,
    Fault::WrongLeaf,
    Fault::WrongContainer,
    Fault::Truncated,
    Fault::Trailing,
    Fault::ByteOrderMark,
    Fault::NotUtf8,
    Fault::Flip,
];
const BAD_STRINGS: [&str; 8] = [
    "\"CANARY\\ud83d\"",
    "\"\\udc00CANARY\"",
    "\"\\ud83d\\u0041CANARY\"",
    "\"CANARY\u{1}\"",
    "\"CANARY\n\"",
    "\"CANARY\\x41\"",
    "\"CANARY\\u12G4\"",
    "'CANARY'",
];
const BAD_NUMBERS: [&str; 9] = ["09137702731", "1.", "-", ".5", "1e", "+1", "0x9137702731", "1e+", "NaN"];
const BAD_LITERALS: [&str; 5] = ["nulL", "True", "tru", "CANARY", "undefined"];

struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

struct Writer {
    rng: Rng,
    text: String,
    expected: String,
    items: u64,
    /// Whether white space is scattered, and names and strings are written in odd ways.
    spaces: bool,
    odd: bool,
    fault: Option<Fault>,
    /// Values to pass before the fault may be planted.
    wait: usize,
}

pub fn generate(seed: u64, plan: &Plan) -> Document {
    let mut rng = Rng(seed);
    let fault = rng.percent(50).then(|| FAULTS[rng.below(FAULTS.len())]);
    let (spaces, odd, wait) = (rng.percent(30), rng.percent(50), rng.below(12));
    let mut writer = Writer { rng, text: String::new(), expected: String::new(), items: 0, spaces, odd, fault, wait };
    writer.space();
    writer.granted(plan, 0, false);
    let is_object = writer.text.trim_start().starts_with('{');
    let mut body = writer.text.into_bytes();
    let mut rng = writer.rng;
    let expected = match (fault, writer.fault) {
        (None, _) => {
            let items = if plan.has_arrays() { writer.items } else { u64::from(is_object) };
            body.extend_from_slice(rng.pick(&["", "\n", " \r\n\t"]).as_bytes());
            Expected::Exactly { text: writer.expected, items }
        }
        (Some(_), None) => Expected::Refusal,
        (_, Some(Fault::Trailing)) => {
            body.extend_from_slice(rng.pick(&["CANARY", "{}", " null", "]", "\0", "\u{feff}"]).as_bytes());
            Expected::Refusal
        }
        (_, Some(Fault::ByteOrderMark)) => {
            body.splice(0..0, *b"\xef\xbb\xbf");
            Expected::Refusal
        }
        (_, Some(Fault::NotUtf8)) => {
            // 0xff stands nowhere in UTF-8
            let place = rng.below(body.len() + 1);
            body.insert(place, 0xff);
            Expected::Refusal
        }
        (_, Some(Fault::Flip)) => {
            let place = rng.below(body.len());
            body[place] = u8::try_from(rng.below(256)).unwrap();
            Expected::Either
        }
        // what found no place to be planted in is cut short
        (_, Some(_)) => {
            let start = body.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap();
            let length = if rng.percent(20) { body.len() - 1 } else { rng.below(body.len()) };
            body.truncate(length.max(start));
            Expected::Refusal
        }
    };
    Document { body, expected }
}

impl Writer {
    fn space(&mut self) {
        if self.spaces {
            let space = self.rng.pick(&["", "", " ", "\n", "\t", "\r\n", "                  "]);
            self.text.push_str(space);
        }
    }

    /// Whether this fault is to be planted here and now.
    fn plants(&mut self, faults: &[Fault]) -> bool {
        let plants = self.wait == 0 && self.fault.is_some_and(|fault| faults.contains(&fault));
        if plants {
            self.fault = None;
        }
        plants
    }

    /// Writes a string that means `text` in one of the ways JSON allows; gives what was written.
    fn string(&mut self, text: &str) -> String {
        let mut written = String::from("\"");
        for c in text.chars() {
            if (self.odd && self.rng.percent(15)) || c < ' ' || c == '"' || c == '\\' {
                match c {
                    '"' | '\\' | '/' if self.rng.percent(50) => written.extend(['\\', c]),
                    '\n' => written.push_str("\\n"),
                    _ => {
                        for unit in c.encode_utf16(&mut [0; 2]) {
                            let escape = format!("\\u{unit:04x}");
                            let upper = self.rng.percent(50);
                            written.push_str(&if upper { escape.to_uppercase().replace("\\U", "\\u") } else { escape });
                        }
                    }
                }
            } else {
                written.push(c);
            }
        }
        written.push('"');
        self.text.push_str(&written);
        written
    }

    fn both(&mut self, text: &str) {
        self.text.push_str(text);
        self.expected.push_str(text);
    }

    fn granted(&mut self, plan: &Plan, depth: usize, in_array: bool) {
        self.wait = self.wait.saturating_sub(1);
        let wrong = if let Plan::Leaf(_) = plan { Fault::WrongLeaf } else { Fault::WrongContainer };
        if self.plants(&[wrong]) {
            return self.wrong(plan);
        }
        if self.plants(&[Fault::BadLiteral]) {
            let bad = self.rng.pick(&BAD_LITERALS);
            return self.text.push_str(bad);
        }
        if self.rng.percent(if depth == 0 { 1 } else { 6 }) {
            return self.both("null");
        }
        match plan {
            Plan::Leaf(LeafType::String) => {
                let text =
                    self.rng.pick(&["", "张伟", "x", "O'Neil \"Jr.\" \\ 😀", "济南市历下区龙奥北路8号", "a\u{1}\n/"]);
                let written = self.string(text);
                self.expected.push_str(&written);
            }
            Plan::Leaf(LeafType::Integer) => {
                let text = self.rng.pick(&["0", "-0", "17", "-9007199254740993", "123456789012345678901234567890"]);
                self.both(text);
            }
            Plan::Leaf(LeafType::Number) => {
                let text = self.rng.pick(&["0.10", "1e400", "-1.5E-07", "3", "0.1000000000000000055511151231257827"]);
                self.both(text);
            }
            Plan::Leaf(LeafType::Boolean) => {
                let text = self.rng.pick(&["true", "false"]);
                self.both(text);
            }
            Plan::Array(element) => {
                self.both("[");
                let length = self.rng.below(5);
                for n in 0..length {
                    if n > 0 {
                        self.both(",");
                    }
                    self.space();
                    self.granted(element, depth + 1, true);
                    self.space();
                    self.items += u64::from(!in_array);
                }
                self.both("]");
            }
            Plan::Object(members) => self.object(Some(members), depth + 1, in_array),
        }
    }

    /// A value that no granted path can pass, or a leaf of another type.
    fn wrong(&mut self, plan: &Plan) {
        let text = match plan {
            Plan::Leaf(LeafType::String) => self.rng.pick(&["9137702731", "true", "{\"CANARY\":1}", "[\"CANARY\"]"]),
            Plan::Leaf(LeafType::Integer) => {
                self.rng.pick(&["\"CANARY\"", "9137702731.0", "9137702731e0", "[1]", "false"])
            }
            Plan::Leaf(LeafType::Number) => self.rng.pick(&["\"9137702731\"", "true", "{\"CANARY\":9137702731}"]),
            Plan::Leaf(LeafType::Boolean) => self.rng.pick(&["\"CANARY\"", "1", "[true]", "\"true\""]),
            Plan::Object(_) => self.rng.pick(&["[\"CANARY\"]", "[]", "\"CANARY\"", "9137702731", "true"]),
            Plan::Array(_) => self.rng.pick(&["{\"CANARY\":1}", "{\"0\":\"CANARY\"}", "{}", "\"CANARY\"", "false"]),
        };
        self.text.push_str(text);
    }

    /// An object at this depth with its granted members, if any, between others.
    fn object(&mut self, granted: Option<&[(&'static str, Plan)]>, depth: usize, in_array: bool) {
        let mut members: Vec<(String, Option<&Plan>)> = Vec::new();
        for (name, child) in granted.unwrap_or_default() {
            if self.rng.percent(85) {
                members.push(((*name).to_owned(), Some(child)));
            }
        }
        let most = match depth {
            _ if self.rng.percent(2) => 60,
            0..4 => 6,
            _ => 2,
        };
        let others = self.rng.below(most);
        for n in 0..others {
            members.push((self.other_name(n, granted.is_none()), None));
        }
        if self.rng.percent(30) {
            for n in (1..members.len()).rev() {
                let other = self.rng.below(n + 1);
                members.swap(n, other);
            }
        }
        let kept = granted.is_some();
        self.text.push('{');
        if kept {
            self.expected.push('{');
        }
        let mut is_first = true;
        for (n, (name, child)) in members.iter().enumerate() {
            if n > 0 {
                self.text.push(',');
            }
            self.space();
            self.string(name);
            self.space();
            self.text.push(':');
            self.space();
            if let Some(child) = child {
                if !is_first {
                    self.expected.push(',');
                }
                is_first = false;
                self.expected.push_str(&serde_json::to_string(name).unwrap());
                self.expected.push(':');
                self.granted(child, depth, in_array);
            } else {
                self.dropped(depth);
            }
            self.space();
        }
        if !members.is_empty() && self.plants(&[Fault::Duplicate]) {
            let again = self.rng.below(members.len());
            self.text.push(',');
            self.odd = true;
            self.string(&members[again].0);
            self.text.push_str(":\"CANARY\"");
        }
        self.text.push('}');
        if kept {
            self.expected.push('}');
        }
    }

    /// A name that is not granted here; different for each `n`. Below what is dropped, granted names mean nothing.
    fn other_name(&mut self, n: usize, everything_drops: bool) -> String {
        const GRANTED_ELSEWHERE: [&str; 8] = ["name", "id", "data", "v", "姓名", "", "rows", "address"];
        if everything_drops && n < GRANTED_ELSEWHERE.len() {
            return GRANTED_ELSEWHERE[n].to_owned();
        }
        match if self.rng.percent(75) { n % 5 } else { self.rng.below(5) } {
            0 => format!("name{CANARY}{n}"),
            1 => format!("{CANARY}姓名{n}"),
            2 => format!("name\u{0}{CANARY}{n}"),
            3 => format!("name\",\"{CANARY}\\{n}"),
            _ => format!("aLongCommonPrefix{CANARY}{n}"),
        }
    }

    fn dropped(&mut self, depth: usize) {
        self.wait = self.wait.saturating_sub(1);
        if self.plants(&[Fault::BadString]) {
            let bad = self.rng.pick(&BAD_STRINGS);
            return self.text.push_str(bad);
        }
        if self.plants(&[Fault::BadNumber]) {
            let bad = self.rng.pick(&BAD_NUMBERS);
            return self.text.push_str(bad);
        }
        if self.plants(&[Fault::TooDeep]) {
            return self.chain(MAX_DEPTH - depth + 1);
        }
        match self.rng.below(100) {
            0..=1 => self.chain(MAX_DEPTH - depth),
            2..=12 if depth < 10 => self.object(None, depth + 1, false),
            13..=20 if depth < 10 => {
                self.text.push('[');
                for n in 0..self.rng.below(4) {
                    if n > 0 {
                        self.text.push(',');
                    }
                    self.space();
                    self.dropped(depth + 1);
                    self.space();
                }
                self.text.push(']');
            }
            21..=40 => {
                let before = self.rng.pick(&["", "-", "1.", "1e", "-0.0", "1E+"]);
                self.text.push_str(before);
                self.text.push_str(CANARY_NUMBER);
            }
            41..=45 => {
                let literal = self.rng.pick(&["true", "false", "null", "[]", "{}", "\"\""]);
                self.text.push_str(literal);
            }
            _ => {
                let (before, after) =
                    (self.rng.pick(&["", "秘密", "\"}],", "\\", "😀"]), self.rng.pick(&["", "\\\"", "号"]));
                self.string(&format!("{before}{CANARY}{after}"));
            }
        }
    }

    /// So many containers in each other.
    fn chain(&mut self, containers: usize) {
        let open: Vec<bool> = (0..containers).map(|_| self.rng.percent(50)).collect();
        for is_object in &open {
            self.text.push_str(if *is_object { "{\"CANARY\":" } else { "[" });
        }
        self.text.push_str("\"CANARY\"");
        self.text.extend(open.iter().rev().map(|is_object| if *is_object { '}' } else { ']' }));
    }
}
