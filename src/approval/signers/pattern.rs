//! OpenSSH's pattern lists, as its `namespaces=` uses them: `*` any text, `?` any one character, `!`
//! before a pattern takes its matches away, commas between.

/// Whether `text` matches at least one pattern of the list and none of the negated ones before it.
pub(super) fn list_matches(text: &str, patterns: &str) -> bool {
    let mut matched = false;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(negated) if matches(text.as_bytes(), negated.as_bytes()) => return false,
            Some(_) => {}
            None => matched |= matches(text.as_bytes(), pattern.as_bytes()),
        }
    }
    matched
}

/// Greedy with one remembered star: linear memory-free work, no recursion on hostile patterns.
fn matches(mut text: &[u8], mut pattern: &[u8]) -> bool {
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (text, pattern) {
            ([], []) => return true,
            (_, [b'*', rest @ ..]) => {
                retry = Some((text, rest));
                pattern = rest;
            }
            ([a, text_rest @ ..], [b, pattern_rest @ ..]) if a == b || *b == b'?' => {
                text = text_rest;
                pattern = pattern_rest;
            }
            _ => {
                let Some(([_, shorter @ ..], after_star)) = retry else { return false };
                retry = Some((shorter, after_star));
                text = shorter;
                pattern = after_star;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::list_matches;

    #[test]
    fn lists_match_as_openssh_matches_them() {
        for (patterns, expected) in [
            ("approval@datashare.dev", true),
            ("file", false),
            ("file,approval@datashare.dev", true),
            ("*", true),
            ("approval@*", true),
            ("*@datashare.dev", true),
            ("a*l@d*e.dev", true),
            ("a*x", false),
            ("approval@datashare.de?", true),
            ("approval@datashare.dev?", false),
            ("**", true),
            ("", false),
            ("!approval@datashare.dev", false),
            ("*,!approval@*", false),
            ("!git,*", true),
            ("APPROVAL@datashare.dev", false),
        ] {
            assert_eq!(list_matches("approval@datashare.dev", patterns), expected, "{patterns}");
        }
    }
}
