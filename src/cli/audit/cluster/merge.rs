//! Several guards' entries in the order of time; each guard's own are in that order already.

use std::io::{self, BufRead as _, BufReader};
use std::num::NonZeroUsize;

use super::super::Show;
use super::ask::Part;
use crate::audit::query::Found;

/// Shows all of them, or the newest so many.
pub fn show(parts: Vec<Part>, limit: Option<NonZeroUsize>, form: &mut dyn Show) -> io::Result<()> {
    let all: u64 = parts.iter().map(|part| part.end.found).sum();
    let limit = limit.and_then(|limit| u64::try_from(limit.get()).ok());
    let mut skip = limit.map_or(0, |limit| all.saturating_sub(limit));
    let mut sources: Vec<Source> = parts.into_iter().map(Source::new).collect::<io::Result<_>>()?;
    while let Some(found) = earliest(&mut sources)? {
        if skip > 0 {
            skip -= 1;
        } else {
            form.add(&found)?;
        }
    }
    form.end()
}

struct Source {
    lines: io::Lines<BufReader<std::fs::File>>,
    next: Option<Found>,
}

impl Source {
    fn new(part: Part) -> io::Result<Self> {
        let mut source = Self { lines: BufReader::new(part.lines).lines(), next: None };
        source.advance()?;
        Ok(source)
    }

    /// Gives what was next, and reads on.
    fn advance(&mut self) -> io::Result<Option<Found>> {
        let next = match self.lines.next().transpose()? {
            None => None,
            Some(line) => {
                Some(Found::read(line).ok_or_else(|| io::Error::other("a guard told of a line that is no entry"))?)
            }
        };
        Ok(std::mem::replace(&mut self.next, next))
    }
}

fn earliest(sources: &mut [Source]) -> io::Result<Option<Found>> {
    let mut first: Option<usize> = None;
    for (at, source) in sources.iter().enumerate() {
        let Some(found) = &source.next else { continue };
        let before = |other: usize| sources.get(other).and_then(|s| s.next.as_ref()).is_none_or(|o| found.is_before(o));
        if first.is_none_or(before) {
            first = Some(at);
        }
    }
    match first.and_then(|at| sources.get_mut(at)) {
        Some(source) => source.advance(),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use proptest::prelude::*;

    use super::*;
    use crate::guard::inquiry::wire::End;

    struct Shown(Vec<String>, bool);

    impl Show for Shown {
        fn add(&mut self, found: &Found) -> io::Result<()> {
            self.0.push(found.line.to_string());
            Ok(())
        }

        fn end(&mut self) -> io::Result<()> {
            self.1 = true;
            Ok(())
        }
    }

    fn line(stream: usize, second: u32) -> String {
        format!("{{\"v\":1,\"stream\":\"g-{stream}\",\"index\":0,\"time\":\"2026-11-24T04:00:{second:02}.000000Z\"}}")
    }

    fn part(stream: usize, seconds: &[u32]) -> Part {
        let mut lines = tempfile::tempfile().unwrap();
        for second in seconds {
            writeln!(lines, "{}", line(stream, *second)).unwrap();
        }
        lines.rewind().unwrap();
        let end = End { found: seconds.len() as u64, ..End::default() };
        Part { guard: stream.to_string(), lines, end }
    }

    proptest! {
        #[test]
        fn what_each_says_in_order_they_say_together_in_order(mut times in prop::collection::vec(prop::collection::vec(0u32..60, 0..9), 0..4), limit in 0usize..20) {
            times.iter_mut().for_each(|seconds| seconds.sort_unstable());
            let mut expected: Vec<(u32, usize)> =
                times.iter().enumerate().flat_map(|(stream, seconds)| seconds.iter().map(move |s| (*s, stream))).collect();
            expected.sort_unstable();
            let limit = NonZeroUsize::new(limit);
            let expected = expected.split_off(limit.map_or(0, |limit| expected.len().saturating_sub(limit.get())));
            let expected: Vec<String> = expected.into_iter().map(|(second, stream)| line(stream, second)).collect();
            let parts = times.iter().enumerate().map(|(stream, seconds)| part(stream, seconds)).collect();
            let mut shown = Shown(Vec::new(), false);
            show(parts, limit, &mut shown).unwrap();
            prop_assert!(shown.1);
            prop_assert_eq!(shown.0, expected);
        }
    }
}
