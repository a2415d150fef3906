//! Where the auditor's commands read: the log of a state directory, and archives in the same layout
//! below `<url>/<site>/`.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::cluster::{self, ClusterArgs, Copied, Published};
use super::{AuditError, there};
use crate::audit::archive::{Archive, Site};
use crate::audit::query::Places;
use crate::audit::verify::{Folder, Piece, Place};
use crate::delivery::state_dir::DEFAULT;

/// A place under the name the user gave it.
pub struct Named {
    pub name: String,
    place: Box<dyn Place>,
    kept: Kept,
}

/// What a place is to the guards' own disks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    There,
    Copied,
    Archived,
}

impl Place for Named {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn is_copied(&self) -> bool {
        self.kept != Kept::There
    }

    fn is_archive(&self) -> bool {
        self.kept == Kept::Archived
    }

    fn streams(&self) -> io::Result<Vec<String>> {
        self.place.streams()
    }

    fn open(&self, stream: &str, file: &str) -> io::Result<Option<Box<dyn Read + Send>>> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{stream}/{file}: {error}"));
        self.place.open(stream, file).map_err(named)
    }

    fn pieces(&self, stream: &str) -> io::Result<Vec<Piece>> {
        self.place.pieces(stream)
    }
}

/// The log of a state directory.
pub fn local(state: &Path) -> Result<Named, AuditError> {
    let log = state.join("log");
    if !log.is_dir() {
        return Err(AuditError::NoRecord(log));
    }
    let name = fs::canonicalize(&log).unwrap_or_else(|_| log.clone()).display().to_string();
    Ok(Named { name, place: Box::new(Folder(log)), kept: Kept::There })
}

/// Where one command reads.
pub struct Found {
    pub local: Option<Named>,
    pub archives: Vec<Named>,
    /// What is published of the guards' records in their cluster.
    pub published: Published,
    /// Held as long as it is read.
    _copied: Option<Copied>,
}

/// What the guards of a cluster have, or that of the one that writes the stream `only`, or the log of a state directory;
/// and the sites of archives. Nothing when a guard does not answer, which is said.
pub fn find(
    state: Option<&Path>,
    urls: &[String],
    cluster: &ClusterArgs,
    as_plugin: bool,
    only: Option<&str>,
    messages: &mut dyn Write,
) -> Result<Option<Found>, AuditError> {
    if !cluster.is_asked(as_plugin, state.is_some() || !urls.is_empty()) {
        let (local, archives) = all(state.unwrap_or(Path::new(DEFAULT)), urls)?;
        return Ok(Some(Found { local, archives, published: Published::default(), _copied: None }));
    }
    let Some(copied) = cluster::copy(cluster, only, messages)? else { return Ok(None) };
    let guards = Named { name: copied.name.clone(), place: Box::new(Folder(copied.log())), kept: Kept::Copied };
    let published = copied.published.clone();
    Ok(Some(Found { local: Some(guards), archives: archives(urls)?, published, _copied: Some(copied) }))
}

/// The sites of archives.
fn archives(urls: &[String]) -> Result<Vec<Named>, AuditError> {
    let mut sites = Vec::new();
    for url in urls {
        sites.extend(archive(url)?);
    }
    Ok(sites)
}

/// The log of a state directory, which need not be there where archives are named, and the sites of the archives.
fn all(state: &Path, archives: &[String]) -> Result<(Option<Named>, Vec<Named>), AuditError> {
    let sites = self::archives(archives)?;
    match local(state) {
        Ok(local) => Ok((Some(local), sites)),
        Err(AuditError::NoRecord(_)) if !archives.is_empty() => Ok((None, sites)),
        Err(error) => Err(error),
    }
}

fn archive(url: &str) -> Result<Vec<Named>, AuditError> {
    // also a plain path names a folder
    if url.contains("://") && !url.starts_with("file://") {
        let archive = Archive::existing(url)?;
        let named = |name: String| {
            let site = Site { archive: archive.clone(), name };
            Named { name: site.name(), place: Box::new(site), kept: Kept::Archived }
        };
        return Ok(archive.sites()?.into_iter().map(named).collect());
    }
    let path = PathBuf::from(url.strip_prefix("file://").unwrap_or(url));
    let failed = |source| AuditError::Read { place: url.to_owned(), source };
    let mut sites = Vec::new();
    for item in fs::read_dir(&path).map_err(failed)? {
        let folder = item.map_err(failed)?.path();
        if folder.is_dir() {
            sites.push(Named {
                name: folder.display().to_string(),
                place: Box::new(Folder(folder)),
                kept: Kept::Archived,
            });
        }
    }
    sites.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sites)
}

/// The segments of a state directory's log, which need not be there where archives are named, and of one site of each
/// archive.
pub fn segments(state: &Path, archives: &[String], site: Option<&str>) -> Result<Places, AuditError> {
    let log = state.join("log");
    let mut places = match (log.is_dir(), archives.is_empty()) {
        (true, _) => Places::log(&log)?,
        (false, true) => return Err(AuditError::NoRecord(log)),
        (false, false) => Places::default(),
    };
    for url in archives {
        let whole = if url.contains("://") { url.clone() } else { absolute(url)? };
        let archive = Archive::existing(&whole)?;
        let sites = archive.sites()?;
        let url = url.clone();
        let site = match (site, sites.as_slice()) {
            (Some(site), sites) if sites.iter().any(|there| there == site) => site,
            (Some(site), sites) => return Err(AuditError::NoSite { url, site: site.to_owned(), there: there(sites) }),
            (None, [site]) => site,
            (None, []) => return Err(AuditError::NoArchive { place: url, there: there(&sites) }),
            (None, sites) => return Err(AuditError::SeveralSites { url, sites: sites.join(", ") }),
        };
        let found = Places::archive(&archive, site)?;
        if found.is_empty() {
            return Err(AuditError::NoArchive {
                place: format!("{}/{site}", url.trim_end_matches('/')),
                there: there(archive.streams(site)?),
            });
        }
        places = places.and(found);
    }
    Ok(places)
}

fn absolute(path: &str) -> Result<String, AuditError> {
    let failed = |source| AuditError::Read { place: path.to_owned(), source };
    Ok(format!("file://{}", fs::canonicalize(path).map_err(failed)?.display()))
}
