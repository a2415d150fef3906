//! From a member's path to its line and column. Only runs when a finding is printed, so it may read
//! the document again and the good path pays nothing for it.

use saphyr_parser::{Event, Marker, Parser, StrInput};

use super::{Spot, read, split};

/// Line and column (from 1) of `member` (`spec.fields[3].path`) in the document at `spot`; of the
/// nearest member above it when it is missing; of the document itself at worst.
#[must_use]
pub fn locate(text: &str, spot: Spot, member: &str) -> (u32, u32) {
    let mut steps = steps(member);
    if let Some(item) = spot.item {
        steps.splice(0..0, [Step::Name("items"), Step::Index(item as usize)]);
    }
    let best = (spot.line, 1);
    let Some(part) = split::parts(text).find(|part| part.number == spot.part) else { return best };
    let mut walk = Walk { events: Parser::new_from_str(part.text), wanted: &steps, found: None };
    while let Some(Ok((event, span))) = walk.events.next_event() {
        if matches!(event, Event::Scalar(..) | Event::MappingStart(..) | Event::SequenceStart(..)) {
            // ends early only where the document does; what was found until then stands
            let _ = walk.node(&event, span.start, Some(0));
            break;
        }
    }
    walk.found.map_or(best, |(_, mark)| read::place(mark, part.first_line.saturating_sub(1)))
}

#[derive(Debug, PartialEq, Eq)]
enum Step<'m> {
    Name(&'m str),
    Index(usize),
}

/// A path apart; names may hold anything but `.` and `[`, or stand in `["…"]`.
fn steps(member: &str) -> Vec<Step<'_>> {
    let mut out = Vec::new();
    let mut rest = member;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix("[\"") {
            let (name, after) = inner.split_once("\"]").unwrap_or((inner, ""));
            out.push(Step::Name(name));
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('[') {
            let (index, after) = inner.split_once(']').unwrap_or((inner, ""));
            out.extend(index.parse().ok().map(Step::Index));
            rest = after;
        } else {
            let bare = rest.strip_prefix('.').unwrap_or(rest);
            let end = bare.find(['.', '[']).unwrap_or(bare.len());
            let (name, after) = bare.split_at_checked(end).unwrap_or((bare, ""));
            if !name.is_empty() {
                out.push(Step::Name(name));
            }
            rest = after;
        }
    }
    out
}

struct Walk<'t, 'm> {
    events: Parser<'t, StrInput<'t>>,
    wanted: &'m [Step<'m>],
    /// The deepest step that was met, and where.
    found: Option<(usize, Marker)>,
}

impl Walk<'_, '_> {
    /// Reads one node whose first event was taken. `matched` steps led here, `None` when this node is
    /// not on the path. Ends early, with `None`, where the text ends.
    fn node(&mut self, event: &Event<'_>, mark: Marker, matched: Option<usize>) -> Option<()> {
        if let Some(depth) = matched
            && depth > 0
            && self.found.is_none_or(|(best, _)| best < depth)
        {
            self.found = Some((depth, mark));
        }
        let wanted = matched.and_then(|depth| self.wanted.get(depth));
        let next = |hit: bool| matched.filter(|_| hit).map(|depth| depth.saturating_add(1));
        match event {
            Event::SequenceStart(..) => {
                for index in 0.. {
                    let (event, span) = self.events.next_event()?.ok()?;
                    if event == Event::SequenceEnd {
                        break;
                    }
                    self.node(&event, span.start, next(wanted == Some(&Step::Index(index))))?;
                }
            }
            Event::MappingStart(..) => loop {
                let (key, span) = self.events.next_event()?.ok()?;
                if key == Event::MappingEnd {
                    break;
                }
                let hit = matches!((&key, wanted), (Event::Scalar(text, ..), Some(Step::Name(name))) if text == name);
                let (event, _) = self.events.next_event()?.ok()?;
                self.node(&event, span.start, next(hit))?;
            },
            _ => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_paths_apart() {
        let expected = [Step::Name("spec"), Step::Name("fields"), Step::Index(3), Step::Name("path")];
        assert_eq!(steps("spec.fields[3].path"), expected);
        assert_eq!(steps("a[\"b.c\"].d"), [Step::Name("a"), Step::Name("b.c"), Step::Name("d")]);
        assert_eq!(steps(""), []);
        assert_eq!(steps("[0"), [Step::Index(0)]);
    }
}
