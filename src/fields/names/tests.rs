//! Member names, as written and as meant.

use super::*;

#[test]
fn heads_are_ordered_like_the_texts_begin() {
    let texts: [&[u8]; 7] = [b"", b"\x01", b"a", b"ab", b"abcdefgh", b"b", "中".as_bytes()];
    assert!(texts.windows(2).all(|pair| head_of(pair[0]) < head_of(pair[1])));
    assert_eq!(head_of(b"abcdefgh"), head_of(b"abcdefghi"));
    assert_eq!(head_of(b"a"), head_of(b"a\0"));
}

#[test]
fn same_is_equality() {
    let text = b"\"0123456789abcdefghijklmnopqrstuvw\"";
    for length in 2..text.len() {
        let one = &text[..length];
        assert!(same(one, one));
        for place in 0..length {
            let mut other = one.to_vec();
            other[place] ^= 1;
            assert!(!same(one, &other), "{length} {place}");
        }
    }
}

/// Adds these members, all in one object at depth 1; the place of the first refusal.
fn first_refusal(names: &mut Names, body: &[u8], places: &[(usize, usize)]) -> Option<usize> {
    names.open(1, None);
    for (index, (at, len)) in places.iter().enumerate() {
        if !names.add(1, index, body, *at, Text::AsWritten { len: *len }, |_, _| None) {
            return Some(*at);
        }
    }
    names.close(1, places.len(), body).err()
}

#[test]
fn few_and_many_names_are_checked_alike() {
    for count in [2, FEW - 1, FEW, FEW + 1, FEW + 2, 1000] {
        let mut body = Vec::new();
        let mut places = Vec::new();
        let mut put = |text: &str, places: &mut Vec<(usize, usize)>| {
            places.push((body.len(), text.len()));
            body.extend_from_slice(format!("\"{text}\"").as_bytes());
        };
        for n in 0..count {
            put(&format!("aLongCommonPrefix{n}"), &mut places);
        }
        put("aLongCommonPrefix1", &mut places);
        let again = places[count].0;
        let body = body.as_slice();
        let mut names = Names::default();
        assert_eq!(first_refusal(&mut names, body, &places[..count]), None, "{count}");
        names.reset();
        assert_eq!(first_refusal(&mut names, body, &places), Some(again), "{count}");
    }
}

#[test]
fn memory_of_an_unusual_answer_is_given_back() {
    let body: Vec<u8> = (0..200_000).flat_map(|n| format!("\"{n:06}\"").into_bytes()).collect();
    let places: Vec<_> = (0..200_000).map(|n| (n * 8, 6)).collect();
    let mut names = Names::default();
    assert_eq!(first_refusal(&mut names, &body, &places), None);
    names.unescaped.resize(200_000, 0);
    assert!(names.levels[1].names.capacity() >= 200_000);
    names.reset();
    assert!(names.levels[1].names.capacity() <= KEPT && names.sorting.capacity() <= KEPT);
    assert!(names.unescaped.capacity() <= KEPT);
}
