//! Small grammars: days, times, durations, names, digests and unified social credit codes.

use ipnet::IpNet;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

const CODE_ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
const CODE_WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/// A calendar day written `YYYY-MM-DD`, in the years 2000 to 2999.
#[must_use]
pub fn date(text: &str) -> Option<Date> {
    let shape = text.len() == 10
        && text.starts_with('2')
        && text.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
    if shape { text.parse().ok() } else { None }
}

/// An RFC 3339 time with an offset of less than 15 hours, in the years 2000 to 2999.
#[must_use]
pub fn time(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|b| b.iter().all(u8::is_ascii_digit));
    let shape = bytes.first() == Some(&b'2')
        && digits(0..4)
        && digits(5..7)
        && digits(8..10)
        && digits(11..13)
        && digits(14..16)
        && digits(17..19);
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !shape || !marks.iter().all(|&(at, mark)| bytes.get(at) == Some(&mark)) || bytes.get(17..19) == Some(b"60") {
        return None;
    }
    let rest = text.get(19..)?;
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => {
            let end = fraction.find(|c: char| !c.is_ascii_digit())?;
            if end == 0 || end > 9 {
                return None;
            }
            fraction.get(end..)?
        }
        None => rest,
    };
    let numeric = offset.len() == 6
        && offset.bytes().enumerate().all(|(at, b)| match at {
            0 => b == b'+' || b == b'-',
            3 => b == b':',
            _ => b.is_ascii_digit(),
        });
    let near = matches!(offset.as_bytes(), [_, b'0', ..] | [_, b'1', b'0'..=b'4', ..]);
    if offset != "Z" && !(numeric && near) {
        return None;
    }
    text.parse().ok()
}

/// A whole number of seconds, minutes, hours or days.
#[must_use]
pub fn duration(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().last()?;
    let number = text.strip_suffix(unit)?;
    if number.is_empty() || number.len() > 6 || number.starts_with('0') || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: i64 = number.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    Some(SignedDuration::from_secs(number * seconds))
}

/// A whole number of days written `184d`.
#[must_use]
pub fn days(text: &str) -> Option<i64> {
    let number = text.strip_suffix('d')?;
    let digits =
        (1..=6).contains(&number.len()) && !number.starts_with('0') && number.bytes().all(|b| b.is_ascii_digit());
    if digits { number.parse().ok() } else { None }
}

/// 64 lowercase hex digits.
#[must_use]
pub fn sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A name as Kubernetes labels are (RFC 1123).
#[must_use]
pub fn dns_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// A name as Kubernetes Secrets' keys are.
#[must_use]
pub fn secret_key(text: &str) -> bool {
    !text.is_empty()
        && text != "."
        && text != ".."
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}

/// A letter, then letters, digits, `_`, `-` and `.`.
#[must_use]
pub fn field_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

/// A principal without blanks, commas, quotes or wildcards.
#[must_use]
pub fn principal(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| blank(c) || "*?!,\"".contains(c))
}

/// What CEL rules write as `[\p{Z}\p{Cc}]`.
fn blank(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// Text in which a person can see something.
#[must_use]
pub fn visible(text: &str) -> bool {
    !text.chars().all(blank)
}

/// A decision's number: no control characters, no blanks around it.
#[must_use]
pub fn serial(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control) && text.trim() == text
}

/// One word beginning with a capital.
#[must_use]
pub fn role(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The shape of an IANA time zone name.
#[must_use]
pub fn zone(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.split('/').count() <= 3
        && text
            .split('/')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"+_-".contains(&b)))
}

/// An IP address range in the one way Go's and Rust's readers agree on.
#[must_use]
pub fn source(text: &str) -> bool {
    let Some((_, prefix)) = text.split_once('/') else { return false };
    let plain = prefix == "0" || !prefix.starts_with('0') && prefix.bytes().all(|b| b.is_ascii_digit());
    let mapped = |net: IpNet| matches!(net, IpNet::V6(net) if net.addr().to_ipv4_mapped().is_some());
    plain && text.parse().is_ok_and(|net| !mapped(net))
}

/// A store of files: `file:///…` or `s3://bucket/prefix`.
#[must_use]
pub fn store(url: &str) -> bool {
    if url.chars().any(blank) {
        return false;
    }
    let Some(rest) = url.strip_prefix("s3://") else {
        return url.strip_prefix("file:///").is_some_and(|path| !path.is_empty());
    };
    let bucket = rest.split('/').next().unwrap_or_default();
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    (3..=63).contains(&bucket.len())
        && edge(bucket.chars().next())
        && edge(bucket.chars().last())
        && bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b))
}

/// A prefix that stays within its store.
#[must_use]
pub fn store_prefix(text: &str) -> bool {
    !text.starts_with('/')
        && !text.chars().any(|c| c == '\\' || c.is_control())
        && !text.split('/').any(|part| part == "." || part == "..")
}

/// A unified social credit code with the right check digit (GB 32100).
#[must_use]
pub fn credit_code(text: &str) -> bool {
    text.len() == 18 && text.chars().last().is_some_and(|last| credit_code_check(text) == Some(last))
}

/// The check digit that belongs to the first 17 characters.
#[must_use]
pub fn credit_code_check(text: &str) -> Option<char> {
    if text.chars().count() != 18 {
        return None;
    }
    let mut sum = 0;
    for (character, weight) in text.chars().zip(CODE_WEIGHTS) {
        sum += CODE_ALPHABET.find(character)? * weight;
    }
    CODE_ALPHABET.chars().nth((31 - sum % 31) % 31)
}

/// Whether no entry stands twice.
#[must_use]
pub fn unique<T: PartialEq>(all: &[T]) -> bool {
    repeated(all).is_none()
}

/// Position of the first entry that stands before it too.
#[must_use]
pub fn repeated<T: PartialEq>(all: &[T]) -> Option<usize> {
    all.iter().enumerate().position(|(at, one)| all.iter().take(at).any(|other| other == one))
}

/// The RFC 9535 subset of member names and `[*]`, ending in a member.
#[must_use]
pub fn field_path(text: &str) -> bool {
    let Some(mut rest) = text.strip_prefix('$') else { return false };
    let mut ends_in_member = false;
    while !rest.is_empty() {
        let next = if let Some(after) = rest.strip_prefix("[*]") {
            ends_in_member = false;
            Some(after)
        } else {
            ends_in_member = true;
            rest.strip_prefix('.').and_then(dotted_member).or_else(|| rest.strip_prefix('[').and_then(quoted_member))
        };
        let Some(next) = next else { return false };
        rest = next;
    }
    ends_in_member
}

fn dotted_member(text: &str) -> Option<&str> {
    let first = text.chars().next()?;
    if !(first.is_ascii_alphabetic() || first == '_' || !first.is_ascii()) {
        return None;
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii())).unwrap_or(text.len());
    text.get(end..)
}

fn quoted_member(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| *c == '\'' || *c == '"')?;
    let text = text.strip_prefix(quote)?;
    let end = text.find(quote)?;
    let name = text.get(..end)?;
    if name.is_empty() || name.chars().any(|c| c == '\\' || c < ' ') {
        return None;
    }
    text.get(end + 1..)?.strip_prefix(']')
}

/// The parameters of an operation's path, or nothing where the path is not one.
#[must_use]
pub fn placeholders(path: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    for segment in path.strip_prefix('/')?.split('/') {
        if let Some(name) = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
            if !field_name(name) {
                return None;
            }
            found.push(name);
        } else if segment.is_empty()
            || segment == "."
            || segment == ".."
            || !segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.~-".contains(&b))
        {
            return None;
        }
    }
    Some(found)
}

/// An upstream's base URL: https, or plain http where it stays on the machine or is allowed.
#[must_use]
pub fn upstream_url(text: &str, insecure: bool) -> bool {
    let (plain, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => return false,
    };
    if rest.chars().any(|c| c == '?' || c == '#' || blank(c)) {
        return false;
    }
    let authority = rest.split('/').next().unwrap_or_default();
    host(authority).is_some_and(|host| !plain || insecure || loopback(host))
}

/// The host of `host` or `host:port`.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.rfind(']') {
        Some(end) => authority.split_at_checked(end + 1)?,
        None => authority.split_at_checked(authority.find(':').unwrap_or(authority.len()))?,
    };
    let port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|digits| {
            (1..=5).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
        });
    let known = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b":.".contains(&b)),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)),
    };
    (port && known).then_some(host)
}

fn loopback(host: &str) -> bool {
    host == "localhost"
        || host == "[::1]"
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_that_do_not_exist_are_refused() {
        assert!(date("2028-02-29").is_some());
        for bad in ["2026-02-29", "2026-13-01", "26-01-01", "2026-1-1", "2026-01-01T00:00:00Z", "２026-01-01", ""] {
            assert!(date(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn times_need_an_offset() {
        assert!(time("2026-11-05T00:00:00+08:00").is_some());
        assert!(time("2026-11-05T00:00:00.123456Z").is_some());
        for bad in [
            "2026-11-05T00:00:00",
            "2026-11-05",
            "2026-11-05 00:00:00Z",
            "2026-11-05T24:00:00Z",
            "2026-11-05T00:00:60Z",
            "2026-11-05T00:00:00.Z",
            "2026-11-05T00:00:00+0800",
            "2026-11-05T00:00:00+08:00[Asia/Shanghai]",
            "1969-01-01T00:00:00Z",
        ] {
            assert!(time(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn durations_are_whole_and_positive() {
        assert_eq!(duration("90d"), Some(SignedDuration::from_hours(90 * 24)));
        for bad in ["", "d", "0s", "05m", "1w", "-1h", "1.5h", "1234567s", "５s"] {
            assert!(duration(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn check_digits_are_checked() {
        // the example of GB 32100 and a well-known enterprise's public code
        assert!(credit_code("91350100M000100Y43"));
        assert!(!credit_code("91350100M000100Y44"));
        assert_eq!(credit_code_check("91350100M000100Y44"), Some('3'));
        assert!(!credit_code("91350100I000100Y43"), "I is not in the alphabet");
        assert!(!credit_code("91350100M000100Y4"));
    }

    #[test]
    fn paths_are_member_names_and_stars() {
        for good in ["$.a", "$.data[*].idNumber", "$['a b'].c", "$.数据[*].名", "$[*].x", "$[\"x\"]"] {
            assert!(field_path(good), "{good}");
        }
        for bad in [
            "",
            "$",
            "a",
            "$.",
            "$..a",
            "$.a[*]",
            "$.a[0].b",
            "$.*",
            "$.a[?(@.b)]",
            "$.a.",
            "$['']",
            "$.a b",
            "$.a[1:2].c",
        ] {
            assert!(!field_path(bad), "{bad}");
        }
    }

    #[test]
    fn plain_http_stays_on_the_machine() {
        for good in ["https://a.example/x", "http://127.0.0.1:80/x", "http://localhost", "http://[::1]:8080/"] {
            assert!(upstream_url(good, false), "{good}");
        }
        for bad in [
            "http://a.example",
            "ftp://a",
            "https://",
            "https://u:p@a",
            "https://a?x",
            "https://a#x",
            "http://127.0.0.1.evil.example",
            "http://localhost:x",
        ] {
            assert!(!upstream_url(bad, false), "{bad}");
        }
        assert!(upstream_url("http://a.example", true));
    }

    proptest! {
        #[test]
        fn days_and_times_are_taken_as_they_are_written(seconds in 946_684_800i64..32_503_680_000, text in "[0-9TZ:.+-]{0,30}") {
            let moment = Timestamp::from_second(seconds).unwrap();
            let written = moment.to_string();
            prop_assert_eq!(time(&written), Some(moment));
            let day = written.get(..10).unwrap();
            prop_assert_eq!(date(day).unwrap().to_string(), day);
            prop_assert!(date(&text).is_none_or(|day| day.to_string() == text));
            prop_assert!(time(&text).is_none_or(|time| text.parse().ok() == Some(time)));
        }

        #[test]
        fn durations_mean_what_they_say(count in 1i64..1_000_000, text in "[0-9smhdw. ]{0,9}|\\PC{0,4}") {
            prop_assert_eq!(duration(&format!("{count}m")), Some(SignedDuration::from_mins(count)));
            prop_assert_eq!(days(&format!("{count}d")), Some(count));
            prop_assert_eq!(duration(&format!("{count}d")), Some(SignedDuration::from_hours(24 * count)));
            prop_assert!(duration(&text).is_none_or(|given| given.is_positive()));
            let back = days(&text).map(|count| format!("{count}d"));
            prop_assert!(back.is_none_or(|back| back == text));
        }

        #[test]
        fn one_wrong_character_of_a_credit_code_is_noticed(
            code in "[0-9A-HJ-NPQRTUWXY]{17}", at in 0usize..18, other in "[0-9A-HJ-NPQRTUWXY]",
        ) {
            let check = credit_code_check(&format!("{code}0")).unwrap();
            let right = format!("{code}{check}");
            prop_assert!(credit_code(&right));
            let mut wrong = right.clone();
            wrong.replace_range(at..=at, &other);
            prop_assert_eq!(credit_code(&wrong), wrong == right);
        }

        #[test]
        fn every_path_that_is_taken_can_be_granted(text in "\\$(\\.[a-z_0-9é]{0,3}|\\[\\*\\]|\\['[a-z .]{0,3}'\\]|\\[\"\\PC{0,3}\"\\]){0,5}") {
            prop_assert!(!field_path(&text) || text.parse::<crate::fields::FieldPath>().is_ok());
        }

        #[test]
        fn no_prefix_leaves_its_store_and_no_text_panics(text in "[a-z./\\\\:@{}\\[\\]]{0,16}|\\PC{0,12}") {
            let within = std::path::Path::new(&text).components().all(|part| matches!(part, std::path::Component::Normal(_)));
            prop_assert!(!store_prefix(&text) || text.is_empty() || within);
            prop_assert!(placeholders(&text).is_none_or(|names| names.iter().all(|name| field_name(name))));
            prop_assert!(!upstream_url(&text, true) || !text.contains(['?', '#', ' ']));
            let _ = (store(&text), zone(&text), source(&text), principal(&text), serial(&text));
        }
    }
}
