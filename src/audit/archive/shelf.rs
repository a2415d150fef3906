//! One stream of an archive, for readers.

use std::io;
use std::path::PathBuf;

use bytes::Bytes;

use super::{Archive, ArchiveError, Place};
use crate::audit::segment::{ENTRIES, Segment};

/// The segments of one stream in an archive.
#[derive(Clone, Debug)]
pub struct Shelf {
    pub archive: Archive,
    pub site: String,
    pub stream: String,
}

impl Shelf {
    /// A sealed segment as it lies there.
    pub fn read(&self, first: u64) -> io::Result<Bytes> {
        let found = self.archive.read(self.place(), first).map_err(io::Error::other)?;
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The beginning of a sealed segment: some thousand bytes of its lines can be made out from it.
    pub fn read_start(&self, first: u64) -> io::Result<Bytes> {
        let found = self.archive.read_start(self.place(), first).map_err(io::Error::other)?;
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// A file beside the segments, if it is there.
    pub fn read_file(&self, name: &str) -> Result<Option<Bytes>, ArchiveError> {
        self.archive.read_file(self.place(), name)
    }

    /// The segments, oldest first.
    pub fn segments(self: &std::sync::Arc<Self>) -> Result<Vec<Segment>, ArchiveError> {
        let folder = PathBuf::from(format!("{}/{}/{}/{ENTRIES}", self.archive.url(), self.site, self.stream));
        let listed = self.archive.segments(self.place())?;
        Ok(listed.into_iter().map(|(first, bytes)| Segment::on_shelf(self.clone(), first, bytes, &folder)).collect())
    }

    fn place(&self) -> Place<'_> {
        Place { site: &self.site, stream: &self.stream }
    }
}
