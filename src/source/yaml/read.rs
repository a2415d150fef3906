//! One document's events to one JSON value, refusing what the room's promise names. Streams: nothing
//! is built beyond the value itself, so a limit stops the work where it is broken.

use std::panic::{AssertUnwindSafe, catch_unwind};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use super::{MAX_DEPTH, YamlError, YamlFault, scalar};

/// A document's value and the lines needed to name it and its list items.
#[derive(Debug)]
pub(super) struct Root {
    pub value: Value,
    pub line: u32,
    /// Lines of the elements of the root's `items`.
    pub item_lines: Vec<u32>,
}

/// As [`document`]; a panic in the parser, which is others' code, makes the document bad and no more.
pub(super) fn guarded(text: &str, first_line: u32) -> Result<Option<Root>, YamlError> {
    catch_unwind(AssertUnwindSafe(|| document(text, first_line)))
        .unwrap_or_else(|_| {
            let message = "the YAML parser gave up on this document";
            Err(YamlError::new(YamlFault::Syntax, (first_line, 1), message, "write it in plain block style"))
        })
        .map_err(|error| within(text, first_line, blame_tab(text, first_line, error)))
}

/// Where a text ends too early, the parser complains of a line below the last one.
fn within(text: &str, first_line: u32, error: YamlError) -> YamlError {
    let below = u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX);
    YamlError { line: error.line.min(first_line.saturating_add(below)), ..error }
}

/// A tab in the indentation is the commonest cause that nobody can see, and the parser complains of
/// the line above it.
fn blame_tab(text: &str, first_line: u32, error: YamlError) -> YamlError {
    if error.fault != YamlFault::Syntax {
        return error;
    }
    let near = |line: u32| line.abs_diff(error.line) <= 1;
    let tab = (first_line..).zip(text.lines()).filter(|(number, _)| near(*number)).find_map(|(number, line)| {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        let at = line.find('\t').filter(|at| *at < indent)?;
        Some((number, u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1)))
    });
    let Some(at) = tab else { return error };
    YamlError::new(YamlFault::Syntax, at, "not valid YAML: this line is indented with a tab", "indent with spaces")
}

/// The one document of `text`; `None` when there is nothing but comments.
fn document(text: &str, first_line: u32) -> Result<Option<Root>, YamlError> {
    if let Some(number) = directive(text) {
        let at = (first_line.saturating_add(number), 1);
        return Err(YamlError::new(
            YamlFault::Refused,
            at,
            "a line that starts with `%` is not allowed",
            "remove or indent it",
        ));
    }
    // blanks at the very end, which nobody sees, are no content
    let text = text.trim_end_matches([' ', '\t']);
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        offset: first_line.saturating_sub(1),
        item_lines: Vec::new(),
        broken_off: (!text.ends_with('\n')).then(|| text.chars().count()),
    };
    let mut root = None;
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok(root),
            (Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing, _) => {}
            (event, span) => {
                let (line, column) = reader.place(span.start);
                let is_empty = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, 0, None) if text.is_empty());
                if root.is_some() {
                    let fix = "put a line `---` between two documents";
                    return Err(YamlError::new(
                        YamlFault::Syntax,
                        (line, column),
                        "a second document begins here",
                        fix,
                    ));
                }
                let value = reader.value(event, span, MAX_DEPTH, Above::Root)?;
                if !is_empty {
                    root = Some(Root { value, line, item_lines: std::mem::take(&mut reader.item_lines) });
                }
            }
        }
    }
}

/// The line, from 0, that starts with `%`.
fn directive(text: &str) -> Option<u32> {
    if text.starts_with('%') {
        return Some(0);
    }
    let at = memchr::memmem::find(text.as_bytes(), b"\n%")?;
    u32::try_from(text.bytes().take(at + 1).filter(|byte| *byte == b'\n').count()).ok()
}

/// What a value stands under, as far as it matters for the lines of list items.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Above {
    Root,
    Items,
    Other,
}

struct Reader<'t> {
    events: Parser<'t, StrInput<'t>>,
    offset: u32,
    item_lines: Vec<u32>,
    /// Where the text ends, in characters, when it ends without a line break.
    broken_off: Option<usize>,
}

impl<'t> Reader<'t> {
    fn place(&self, mark: Marker) -> (u32, u32) {
        place(mark, self.offset)
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), YamlError> {
        match self.events.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(syntax(&error, self.offset)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn value(&mut self, event: Event<'t>, span: Span, depth: usize, above: Above) -> Result<Value, YamlError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), span)?;
                if style != ScalarStyle::Plain {
                    return Ok(Value::String(self.ended(text.into_owned(), style, span)));
                }
                match scalar::resolve(&text) {
                    Ok(None) => Ok(Value::String(text.into_owned())),
                    Ok(Some(value)) => Ok(value),
                    Err(unclear) => {
                        Err(YamlError::new(YamlFault::Ambiguous, self.place(span.start), unclear.message, unclear.fix))
                    }
                }
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), span)?;
                self.sequence(self.deeper(depth, span)?, above)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), span)?;
                self.mapping(self.deeper(depth, span)?, above)
            }
            Event::Alias(_) => Err(YamlError::new(
                YamlFault::Refused,
                self.place(span.start),
                "an alias (`*name`) is not allowed",
                "write the value out; put quotes around a text that starts with `*`",
            )),
            _ => {
                Err(YamlError::new(YamlFault::Syntax, self.place(span.start), "a value is missing here", "complete it"))
            }
        }
    }

    /// A block text that the end of the file cuts short has no line break there. The parser adds one;
    /// `kubectl` does not, and both must see the same value under a digest.
    fn ended(&self, mut text: String, style: ScalarStyle, span: Span) -> String {
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if block && self.broken_off == Some(span.end.index()) && text.ends_with('\n') {
            text.pop();
        }
        text
    }

    fn sequence(&mut self, depth: usize, above: Above) -> Result<Value, YamlError> {
        let mut out = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::Array(out));
            }
            if above == Above::Items {
                self.item_lines.push(self.place(span.start).0);
            }
            out.push(self.value(event, span, depth, Above::Other)?);
        }
    }

    fn mapping(&mut self, depth: usize, above: Above) -> Result<Value, YamlError> {
        let mut out = Map::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Value::Object(out));
            }
            let at = self.place(span.start);
            let key = self.key(event, span)?;
            let below = if above == Above::Root && key == "items" { Above::Items } else { Above::Other };
            let (event, span) = self.next()?;
            let value = self.value(event, span, depth, below)?;
            match out.entry(key) {
                Entry::Vacant(place) => {
                    place.insert(value);
                }
                Entry::Occupied(place) => {
                    let message = format!("the member `{}` appears twice", place.key());
                    return Err(YamlError::new(YamlFault::DuplicateMember, at, message, "keep one of the two"));
                }
            }
        }
    }

    fn key(&mut self, event: Event<'t>, span: Span) -> Result<String, YamlError> {
        let fault =
            |message: String, fix: String| YamlError::new(YamlFault::Refused, self.place(span.start), message, fix);
        let Event::Scalar(text, style, anchor, tag) = event else {
            if matches!(event, Event::Alias(_)) {
                return Err(fault("an alias (`*name`) is not allowed".into(), "write the name out".into()));
            }
            return Err(fault("a member's name must be text".into(), "write `name: value`".into()));
        };
        self.refuse_extras(anchor, tag.is_some(), span)?;
        if style == ScalarStyle::Plain && (text == "<<" || scalar::resolve(&text) != Ok(None)) {
            let message = format!("`{text}` is not a member's name");
            let fix = if text == "<<" {
                "write the members out; merging is not allowed".into()
            } else {
                format!("names are text: write \"{text}\" if this is meant")
            };
            return Err(fault(message, fix));
        }
        Ok(text.into_owned())
    }

    fn deeper(&self, depth: usize, span: Span) -> Result<usize, YamlError> {
        depth.checked_sub(1).ok_or_else(|| {
            let message = format!("nested more than {MAX_DEPTH} levels deep");
            YamlError::new(YamlFault::TooLarge, self.place(span.start), message, "flatten it")
        })
    }

    fn refuse_extras(&self, anchor: usize, tagged: bool, span: Span) -> Result<(), YamlError> {
        let (what, sign) = match (anchor != 0, tagged) {
            (true, _) => ("an anchor (`&name`)", '&'),
            (false, true) => ("a tag (`!type`)", '!'),
            (false, false) => return Ok(()),
        };
        let fix = format!("remove it; put quotes around a text that starts with `{sign}`");
        Err(YamlError::new(YamlFault::Refused, self.place(span.start), format!("{what} is not allowed"), fix))
    }
}

/// A mark of the parser in the file's own lines and columns, both from 1.
pub(super) fn place(mark: Marker, offset: u32) -> (u32, u32) {
    let line = u32::try_from(mark.line()).unwrap_or(u32::MAX).max(1).saturating_add(offset);
    (line, u32::try_from(mark.col()).unwrap_or(u32::MAX).saturating_add(1))
}

/// The parser's complaint with a mend for the mistakes that people make.
fn syntax(error: &ScanError, offset: u32) -> YamlError {
    let info = error.info();
    let says = |words: &[&str]| words.iter().any(|word| info.contains(word));
    let fix = if says(&["tab"]) {
        "indent with spaces, not tabs"
    } else if says(&["anchor", "alias"]) {
        "put quotes around a text that starts with `&` or `*`"
    } else if says(&["tag"]) {
        "put quotes around a text that starts with `!`"
    } else if says(&["mapping values are not allowed", "simple key", "block mapping", "':'"]) {
        "check indentation, colons and brackets here and one line above; a text that holds `: ` or ` #` needs quotes"
    } else if says(&["quoted", "escape"]) {
        "close the quotes; in single quotes nothing is escaped and `''` is a quote"
    } else if says(&["flow", "',' or ']'", "',' or '}'"]) {
        "close the bracket that was opened above, and put commas between members"
    } else if says(&["start any token", "plain scalar", "character"]) {
        "put quotes around this text"
    } else {
        "check indentation, colons and quotes here and one line above"
    };
    YamlError::new(YamlFault::Syntax, place(*error.marker(), offset), format!("not valid YAML: {info}"), fix)
}
