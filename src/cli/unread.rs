//! Output of a command whose exit code is its answer: it is the same when nobody reads the words.

use std::io::{self, ErrorKind, Write};

/// Takes for written what a reader who has left does not read any more.
pub struct Unread<'a>(pub &'a mut dyn Write);

impl Write for Unread<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(bytes.len()),
            other => other,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}
