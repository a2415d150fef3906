//! One site of an archive, as verification reads it.

use std::io::{self, Cursor, Read};

use super::{Archive, ArchiveError, Place};
use crate::audit::segment::{ENTRIES, Form, read_name};
use crate::audit::verify;

/// The streams of one site.
#[derive(Clone, Debug)]
pub struct Site {
    pub archive: Archive,
    pub name: String,
}

impl Site {
    fn place<'a>(&'a self, stream: &'a str) -> Place<'a> {
        Place { site: &self.name, stream }
    }
}

impl verify::Place for Site {
    fn name(&self) -> String {
        format!("{}/{}", self.archive.url(), self.name)
    }

    fn is_copied(&self) -> bool {
        true
    }

    fn is_archive(&self) -> bool {
        true
    }

    fn streams(&self) -> io::Result<Vec<String>> {
        self.archive.streams(&self.name).map_err(failed)
    }

    fn open(&self, stream: &str, file: &str) -> io::Result<Option<Box<dyn Read + Send>>> {
        let place = self.place(stream);
        let segment = file.strip_prefix(ENTRIES).and_then(|rest| rest.strip_prefix('/')).map(read_name);
        let found = match segment {
            Some(Some((first, Form::Sealed))) => self.archive.read(place, first),
            // an archive has sealed ones only
            Some(_) => return Ok(None),
            None => self.archive.read_file(place, file),
        };
        let bytes = found.map_err(failed)?;
        Ok(bytes.map(|bytes| Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>))
    }

    fn pieces(&self, stream: &str) -> io::Result<Vec<verify::Piece>> {
        let listed = self.archive.segments(self.place(stream)).map_err(failed)?;
        Ok(listed.into_iter().map(|(first, bytes)| verify::Piece { first, sealed: true, bytes }).collect())
    }
}

fn failed(error: ArchiveError) -> io::Error {
    io::Error::other(error)
}
