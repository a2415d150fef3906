//! Every fault with its place, in granted and in dropped parts, in the first row and in those guessed from it.

use super::*;

fn fault(body: impl AsRef<[u8]>) -> AnswerError {
    project(PERSON, body.as_ref()).expect_err(&format!("{} must be refused", String::from_utf8_lossy(body.as_ref())))
}

#[test]
fn only_utf_8_without_a_mark() {
    assert_eq!(fault(b"{\"a\":\"\xff\"}"), AnswerError::NotUtf8 { at: 6 });
    assert_eq!(fault(b"{\"a\":\"\xed\xa0\x80\"}"), AnswerError::NotUtf8 { at: 6 });
    assert_eq!(fault(b"{\"a\":\"\xc0\xaf\"}"), AnswerError::NotUtf8 { at: 6 });
    assert_eq!(fault(b"\xff\xfe{\0}\0"), AnswerError::NotUtf8 { at: 0 });
    assert_eq!(fault("{} \u{e4}".as_bytes().split_last().unwrap().1), AnswerError::NotUtf8 { at: 3 });
    assert_eq!(fault("\u{feff}{}"), AnswerError::ByteOrderMark { at: 0 });
    assert_eq!(fault(" \u{feff}{}"), AnswerError::UnexpectedByte { at: 1 });
}

#[test]
fn only_whole_documents() {
    for body in ["", " \n", "{", "[", r#"{"a"#, r#"{"a""#, r#"{"a":"#, r#"{"a":1"#, r#"{"a":1,"#, r#"{"a":[1,"#] {
        let found = fault(body);
        if body != "[" {
            assert_eq!(found, AnswerError::UnexpectedEnd { at: body.len() }, "{body}");
        }
    }
    for (value, at) in [("tru", 3), (r#""\"#, 2), (r#""\u12"#, 5), (r#""\ud83d\"#, 7), ("-", 1), ("1.", 2), ("1e", 2)] {
        let body = format!(r#"{{"a":{value}"#);
        let found = fault(&body);
        let lone = matches!(found, AnswerError::LoneSurrogate { at: 6 });
        assert!(lone || found == AnswerError::UnexpectedEnd { at: 5 + at }, "{body}: {found:?}");
    }
    for tail in ["x", "{}", ",", "]", "null", "\0", "\u{feff}", "/**/"] {
        assert_eq!(fault(format!("{{}} {tail}")), AnswerError::TrailingBytes { at: 3 });
    }
}

#[test]
fn only_the_grammar_of_rfc_8259() {
    for (body, at) in [
        ("{,}", 1),
        ("{a:1}", 1),
        ("{'a':1}", 1),
        (r#"{"a" 1}"#, 5),
        (r#"{"a":}"#, 5),
        (r#"{"a":1,}"#, 7),
        (r#"{"a":1 "b":2}"#, 7),
        (r#"{"a":1]"#, 6),
        (r#"{"a":[1,]}"#, 8),
        (r#"{"a":[,]}"#, 6),
        (r#"{"a":[1 2]}"#, 8),
        (r#"{"a":[1}"#, 7),
        (r#"{"a":trues}"#, 9),
        (r#"{"a":nulL}"#, 8),
        (r#"{"a":False}"#, 5),
        (r#"{"a":NaN}"#, 5),
        (r#"{"a":+1}"#, 5),
        (r#"{"a":.5}"#, 5),
        (r#"{"a":0x1}"#, 6),
        (r#"{"a":1//x"#, 6),
        ("{\"a\":1\u{b}}", 6),
        ("{\"a\":1\u{a0}}", 6),
        (r#"{"data":undefined}"#, 8),
        (r#"{"data":nul}"#, 11),
        (r#"{"data":[{"name":'x'}]}"#, 17),
        (r#"{"data":[{"name":"x"},]}"#, 22),
        (r#"{"data":[{"name":"x"}}"#, 21),
        (r#"{"data":[{"name":"x"},{"name" "x"}]}"#, 30),
    ] {
        assert_eq!(fault(body), AnswerError::UnexpectedByte { at }, "{body}");
    }
    for (number, at) in [
        ("01", 1),
        ("-01", 2),
        ("00", 1),
        ("-", 1),
        ("-x", 1),
        ("1.", 2),
        ("1.e1", 2),
        ("1e", 2),
        ("1e+", 3),
        ("1.5e-x", 5),
    ] {
        for (before, after) in [(r#"{"a":"#, "}"), (r#"{"data":[{"age":"#, "}]}")] {
            let body = format!("{before}{number}{after}");
            assert_eq!(fault(&body), AnswerError::InvalidNumber { at: before.len() + at }, "{body}");
        }
    }
}

/// A text of a string as value, as name, as granted value and in a guessed row; the offset is that of its first byte.
fn strings(text: &str, expected: impl Fn(usize) -> AnswerError) {
    for (before, after) in [
        (r#"{"a":""#, r#""}"#),
        (r#"{""#, r#"":1}"#),
        (r#"{"data":[{"name":""#, r#""}]}"#),
        (r#"{"data":[{"name":"x","k":1},{""#, r#"":1}]}"#),
        (r#"{"data":[{"name":"x","k":[""#, r#""]}]}"#),
        (r#"{"a":"a text of some length before ""#, ""),
    ] {
        if !after.is_empty() {
            for filler in ["", "1234567", "12345678", "中文字符的填充", r"\n"] {
                let body = format!("{before}{filler}{text}{after}");
                assert_eq!(fault(&body), expected(before.len() + filler.len()), "{body}");
            }
        }
    }
}

#[test]
fn no_raw_controls_no_unknown_escapes_no_lone_surrogates() {
    for control in 0..0x20_u8 {
        strings(&char::from(control).to_string(), |at| AnswerError::ControlCharacter { at });
    }
    for escape in [r"\x41", r"\'", r"\U0041", r"\u12G4", r"\u+123", r"\0", "\\\n", r"\ "] {
        strings(escape, |at| AnswerError::InvalidEscape { at });
    }
    for half in [
        r"\ud800",
        r"\uDBFFx",
        r"\udc00",
        r"\uDFFF\ud800",
        r"\ud83d\u0041",
        r"\ud83d\ud83d\ude00",
        r"\ud83d\n",
        r"\ud83d\\ude00",
    ] {
        strings(half, |at| AnswerError::LoneSurrogate { at });
    }
    assert_eq!(
        kept(&[("$.a", Text)], "{\"a\":\"\u{7f}\u{80}\u{2028}\u{ffff}\"}"),
        "{\"a\":\"\u{7f}\u{80}\u{2028}\u{ffff}\"}"
    );
}

#[test]
fn no_name_twice_anywhere_under_any_escape() {
    for (object, at) in [
        (r#"{"k":1,"k":1}"#, 7),
        (r#"{"k":1,"\u006b":1}"#, 7),
        (r#"{"\u006B":1,"k":1}"#, 12),
        (r#"{"\u006B":1,"\u006b":1}"#, 12),
        (r#"{"":1,"":2}"#, 6),
        (r#"{"/":1,"\/":2}"#, 7),
        (r#"{"😀":1,"\ud83d\ude00":2}"#, 10),
        (r#"{"aLongerName":1,"b":2,"aLongerName":3}"#, 23),
    ] {
        for (before, after) in [
            ("", ""),
            (r#"{"x":"#, "}"),
            (r#"{"x":[{"k":1},{"k":1},"#, "]}"),
            (r#"{"data":["#, "]}"),
            (r#"{"data":[{"k":1,"o":2},"#, "]}"),
            (r#"{"data":[{"name":"x","d":[[{"e":"#, "}]]}]}"),
        ] {
            let body = format!("{before}{object}{after}");
            assert_eq!(fault(&body), AnswerError::DuplicateName { at: before.len() + at }, "{body}");
        }
    }
    // guessed rows: the second repeats the first, then itself
    assert_eq!(fault(r#"{"data":[{"a":1,"b":2},{"a":1,"b":2,"a":3}]}"#), AnswerError::DuplicateName { at: 36 });
    assert_eq!(fault(r#"{"data":[{"a":1,"b":2,"c":3},{"a":1,"c":2,"a":3}]}"#), AnswerError::DuplicateName { at: 42 });
    assert_eq!(fault(r#"{"data":[{"name":"x","name":"y"}]}"#), AnswerError::DuplicateName { at: 21 });
    // names that only look alike
    kept(PERSON, r#"{"k":1,"K":1,"k ":1,"k\u0000":1,"":1,"kk":1,"e\u0301":1,"é":1,"x":{"k":1},"y":[{"k":1},{"k":2}]}"#);
}

#[test]
fn granted_leaves_have_the_declared_type() {
    let values = ["\"x\"", "7", "7.0", "7e0", "true", "false", "{}", "[]", "{\"a\":1}", "[\"x\"]"];
    for (leaf, fits) in [(Text, &[0][..]), (Integer, &[1]), (Number, &[1, 2, 3]), (Boolean, &[4, 5])] {
        for (n, value) in values.iter().enumerate() {
            let body = format!(r#"{{"a": {value}}}"#);
            let expected = if fits.contains(&n) {
                Ok((format!(r#"{{"a":{value}}}"#), 1))
            } else {
                Err(AnswerError::WrongType { at: 6, expected: leaf })
            };
            assert_eq!(project(&[("$.a", leaf)], &body), expected, "{leaf}: {body}");
        }
    }
}

#[test]
fn another_container_or_a_scalar_on_the_way_is_a_fault() {
    for value in ["[]", "[{}]", "1", "-2.5", "\"name\"", "true", "false"] {
        assert_eq!(fault(value), AnswerError::NotAnObject { at: 0 });
        assert_eq!(fault(format!(r#"{{"data":[{{"home":{value}}}]}}"#)), AnswerError::NotAnObject { at: 17 });
        assert_eq!(fault(format!(r#"{{"data":[{value}]}}"#)), AnswerError::NotAnObject { at: 9 });
    }
    for value in ["{}", r#"{"name":"x"}"#, r#"{"0":{"name":"x"}}"#, "1", "\"name\"", "true"] {
        assert_eq!(fault(format!(r#"{{"data":{value}}}"#)), AnswerError::NotAnArray { at: 8 });
        let found = project(&[("$[*].a", Text)], value);
        assert_eq!(found, Err(AnswerError::NotAnArray { at: 0 }));
    }
    // what is no JSON in such a place is called that
    assert_eq!(fault(r#"{"data":{"a":01}}"#), AnswerError::InvalidNumber { at: 14 });
}

#[test]
fn a_fault_says_its_place_and_nothing_of_the_answer() {
    let found = fault(r#"{"data":[{"name":{"秘密":"secret"}}]}"#);
    assert_eq!(found.at(), 17);
    assert_eq!(found.to_string(), "byte 17: the catalogue declares String here, the answer has another type");
    let deep = fault(r#"{"a":"#.repeat(65)).to_string();
    assert_eq!(deep, "byte 320: the document is nested deeper than 64 containers");
}
