//! Numbers with check digits: right enough to pass a form's validation, and in regions and number
//! ranges that nobody is ever given.

const CREDIT_ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
const IDENTITY_CHECKS: &[u8; 11] = b"10X98765432";

/// An identity number (GB 11643) of the region 000000, which does not exist.
/// `birth` is `YYYYMMDD`; an odd `order` is a man's.
pub(super) fn identity(birth: &str, order: u32) -> String {
    let body = format!("000000{birth}{:03}", order % 1000);
    let check = identity_check(&body);
    format!("{body}{check}")
}

/// The check digit over the 17 digits before it: ISO 7064 MOD 11-2.
pub(super) fn identity_check(body: &str) -> char {
    let sum = body.bytes().fold(0_u32, |sum, byte| (sum + u32::from(byte.wrapping_sub(b'0') % 10)) * 2 % 11);
    digit(IDENTITY_CHECKS, sum)
}

/// A unified social credit code (GB 32100) of the region 000000: `prefix` is the two characters for
/// the registering department and the kind of unit.
pub(super) fn credit(prefix: &str, number: u32) -> String {
    let organ = format!("DEM{:05}", number % 100_000);
    let body = format!("{prefix}000000{organ}{}", organ_check(&organ));
    let check = credit_check(&body);
    format!("{body}{check}")
}

/// The check character over the 17 before it: weights are powers of 3 modulo 31.
pub(super) fn credit_check(body: &str) -> char {
    let (sum, _) = body.bytes().fold((0_u32, 1_u32), |(sum, weight), byte| {
        let value = CREDIT_ALPHABET.iter().position(|letter| *letter == byte).unwrap_or(0);
        ((sum + u32::try_from(value).unwrap_or(0) * weight) % 31, weight * 3 % 31)
    });
    digit(CREDIT_ALPHABET, (31 - sum) % 31)
}

/// The check character of the organisation code inside (GB 11714).
fn organ_check(organ: &str) -> char {
    let weights = [3_u32, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = organ.chars().zip(weights).map(|(letter, weight)| letter.to_digit(36).unwrap_or(0) * weight).sum();
    match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        other => char::from_digit(other, 10).unwrap_or('0'),
    }
}

fn digit(alphabet: &[u8], value: u32) -> char {
    usize::try_from(value).ok().and_then(|value| alphabet.get(value)).map_or('0', |byte| char::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_agree_with_published_examples() {
        // the worked examples of GB 11643-1999 and GB 32100-2015
        assert_eq!(identity_check("11010519491231002"), 'X');
        assert_eq!(credit_check("91350100M000100Y4"), '3');
    }

    #[test]
    fn a_credit_code_has_eighteen_characters_of_the_alphabet() {
        for number in 0..200 {
            let code = credit("11", number);
            assert_eq!(code.len(), 18, "{code}");
            assert!(code.bytes().all(|byte| CREDIT_ALPHABET.contains(&byte)), "{code}");
        }
    }
}
