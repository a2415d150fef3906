//! Ways to spoil a file of lines.

use std::ops::Range;

use super::Dice;

pub fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// The bytes that are left, if any; what was done; and to which lines.
type Spoiled = (Option<Vec<u8>>, String, Range<usize>);

/// Changes, removes, inserts, swaps or cuts; tells which lines it touched, from 0.
pub fn spoil(text: &[u8], dice: &mut Dice) -> Option<Spoiled> {
    let mut all = lines(text);
    let line_of = |at: usize| text[..at].iter().filter(|byte| **byte == b'\n').count();
    let (a, b) = (dice.roll(all.len()), dice.roll(all.len()));
    Some(match dice.roll(6) {
        0 | 1 => {
            let mut bytes = text.to_vec();
            let at = dice.roll(bytes.len());
            bytes[at] ^= u8::try_from(1 + dice.roll(255)).unwrap();
            (Some(bytes), format!("changed byte {at}:"), line_of(at)..line_of(at) + 1)
        }
        2 => {
            all.remove(a);
            (Some(all.concat()), "removed".to_owned(), a..a + 1)
        }
        3 => {
            let copy = all[a].clone();
            all.insert(b, copy);
            (Some(all.concat()), format!("line {} once more as", a + 1), b..b + 1)
        }
        4 if a != b => {
            all.swap(a, b);
            (Some(all.concat()), format!("line {} swapped with", b + 1), a.min(b)..a.min(b) + 1)
        }
        5 => {
            let at = dice.roll(text.len());
            (Some(text[..at].to_vec()), format!("cut at {at}:"), line_of(at)..all.len())
        }
        _ => return None,
    })
}
