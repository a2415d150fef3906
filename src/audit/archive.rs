//! The archive: the same layout as a log, below `<url>/<site>/`, in a folder or in an S3 bucket. Calls here wait for an
//! answer, within bounds; whoever must not wait asks from a thread of its own.

mod address;
mod s3;
mod shelf;
mod site;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use jiff::Timestamp;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use tokio::runtime::{Handle, Runtime};
use tokio_util::sync::CancellationToken;

pub use self::address::{Address, AddressError};
pub use self::s3::Lock;
pub use self::shelf::Shelf;
pub use self::site::Site;

use self::s3::S3;
use crate::audit::segment::{self, ENTRIES, Form};

/// No answer takes longer, a large segment over a slow line included.
const PATIENCE: Duration = Duration::from_mins(5);

/// A block of zstd and its head.
const START: u64 = 160 << 10;

/// Why an archive did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("{url}: {source}")]
    Store { url: Arc<str>, source: object_store::Error },
    #[error("{url}: {cause}")]
    Other { url: Arc<str>, cause: String },
    #[error("{url}: no answer in {} s", PATIENCE.as_secs())]
    Slow { url: Arc<str> },
    #[error("{url}: it was asked to stop")]
    Stopped { url: Arc<str> },
}

/// One archive.
#[derive(Clone)]
pub struct Archive {
    url: Arc<str>,
    store: Arc<dyn ObjectStore>,
    s3: Option<Arc<S3>>,
    prefix: Path,
    runtime: Arc<Loose>,
    stop: CancellationToken,
}

/// A folder's files are read and written on so many threads: no more of them hang when it does, however often it is
/// asked again.
const THREADS: usize = 4;

/// An event loop whose end waits for nobody: what a folder that hangs was asked for may never return.
struct Loose {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Loose {
    fn new() -> std::io::Result<Self> {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).max_blocking_threads(THREADS).enable_all().build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }
}

impl Drop for Loose {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A folder of one stream in the archive.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub site: &'a str,
    pub stream: &'a str,
}

/// Nothing of credentials.
impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Archive({})", self.url)
    }
}

impl Archive {
    /// The archive at `url`; nothing is asked of it yet, but a folder is made if its parent is there. Credentials for S3
    /// come from the usual variables of the environment.
    pub fn open(url: &str, lock: Lock) -> Result<Self, ArchiveError> {
        Self::open_by(url, lock, std::env::vars())
    }

    /// An archive that is there, for reading; a folder is not made.
    pub fn existing(url: &str) -> Result<Self, ArchiveError> {
        if let Address::Folder(folder) = url.parse()?
            && !folder.is_dir()
        {
            let cause = format!("{} is no folder", folder.display());
            return Err(ArchiveError::Other { url: url.into(), cause });
        }
        Self::open(url, Lock::None)
    }

    /// [`Archive::open`] with another environment.
    pub fn open_by(
        url: &str,
        lock: Lock,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ArchiveError> {
        let url: Arc<str> = url.trim_end_matches('/').into();
        let failed = |cause: String| ArchiveError::Other { url: url.clone(), cause };
        let runtime = Arc::new(Loose::new().map_err(|error| failed(error.to_string()))?);
        let (store, s3, prefix): (Arc<dyn ObjectStore>, _, _) = match url.parse()? {
            Address::Folder(folder) => {
                address::make(&folder).map_err(|error| failed(error.to_string()))?;
                let store = LocalFileSystem::new_with_prefix(&folder).map_err(|error| failed(error.to_string()))?;
                (Arc::new(store.with_fsync(true)), None, Path::default())
            }
            Address::S3 { bucket, prefix } => {
                let s3 = S3::new(&bucket, lock, environment).map_err(|error| failed(error.to_string()))?;
                (s3.store(), Some(Arc::new(s3)), Path::parse(prefix).map_err(|error| failed(error.to_string()))?)
            }
        };
        Ok(Self { url, store, s3, prefix, runtime, stop: CancellationToken::new() })
    }

    /// Gives up waiting once `stop` is cancelled.
    #[must_use]
    pub fn until(mut self, stop: CancellationToken) -> Self {
        self.stop = stop;
        self
    }

    #[must_use]
    pub fn url(&self) -> &Arc<str> {
        &self.url
    }

    /// The sites that have something here.
    pub fn sites(&self) -> Result<Vec<String>, ArchiveError> {
        self.folders(&self.prefix)
    }

    /// The streams of a site.
    pub fn streams(&self, site: &str) -> Result<Vec<String>, ArchiveError> {
        self.folders(&self.below(&[site])?)
    }

    /// The segments of a stream: first entry and size.
    pub fn segments(&self, place: Place<'_>) -> Result<BTreeMap<u64, u64>, ArchiveError> {
        let folder = self.path(place, ENTRIES)?;
        let listed = self.wait(async {
            let objects = self.store.list(Some(&folder));
            objects.map_ok(|object| (object.location, object.size)).try_collect::<Vec<_>>().await
        })?;
        let named = |location: &Path| match location.filename().and_then(segment::read_name) {
            Some((first, Form::Sealed)) => Some(first),
            _ => None,
        };
        Ok(listed.into_iter().filter_map(|(location, size)| named(&location).map(|first| (first, size))).collect())
    }

    /// Puts a sealed segment there, under lock until `until` if the archive locks. `false` when there is one already,
    /// which stays as it is.
    pub fn put(
        &self,
        place: Place<'_>,
        first: u64,
        bytes: Bytes,
        until: Option<Timestamp>,
    ) -> Result<bool, ArchiveError> {
        let locking = match (&self.s3, until) {
            (Some(s3), Some(until)) => s3.locking(until).map_err(|source| self.failed(source))?,
            _ => None,
        };
        let store = locking.unwrap_or_else(|| self.store.clone());
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let path = self.segment(place, first)?;
        self.wait(async {
            match store.put_opts(&path, PutPayload::from_bytes(bytes), options).await {
                Ok(_) => Ok(true),
                Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        })
    }

    /// A sealed segment as the archive has it.
    pub fn read(&self, place: Place<'_>, first: u64) -> Result<Option<Bytes>, ArchiveError> {
        self.get(&self.segment(place, first)?)
    }

    /// The beginning of it.
    pub fn read_start(&self, place: Place<'_>, first: u64) -> Result<Option<Bytes>, ArchiveError> {
        let path = self.segment(place, first)?;
        self.wait(async {
            match self.store.get_range(&path, 0..START).await {
                Ok(bytes) => Ok(Some(bytes)),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    /// Removes a segment, every version of it.
    pub fn remove(&self, place: Place<'_>, first: u64) -> Result<(), ArchiveError> {
        let path = self.segment(place, first)?;
        self.wait(async {
            match &self.s3 {
                Some(s3) => s3.remove(&path).await,
                None => match self.store.delete(&path).await {
                    Err(object_store::Error::NotFound { .. }) => Ok(()),
                    other => other,
                },
            }
        })
    }

    /// A file of the stream beside its segments.
    pub fn read_file(&self, place: Place<'_>, name: &str) -> Result<Option<Bytes>, ArchiveError> {
        self.get(&self.path(place, name)?)
    }

    /// Writes a file of the stream anew.
    pub fn put_file(&self, place: Place<'_>, name: &str, bytes: Bytes) -> Result<(), ArchiveError> {
        let path = self.path(place, name)?;
        self.wait(async { self.store.put(&path, PutPayload::from_bytes(bytes)).await.map(|_| ()) })
    }

    fn get(&self, path: &Path) -> Result<Option<Bytes>, ArchiveError> {
        self.wait(async {
            match self.store.get(path).await {
                Ok(found) => found.bytes().await.map(Some),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn folders(&self, below: &Path) -> Result<Vec<String>, ArchiveError> {
        let listed = self.wait(self.store.list_with_delimiter(Some(below)))?;
        Ok(listed.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect())
    }

    fn path(&self, place: Place<'_>, name: &str) -> Result<Path, ArchiveError> {
        self.below(&[place.site, place.stream, name])
    }

    fn segment(&self, place: Place<'_>, first: u64) -> Result<Path, ArchiveError> {
        self.below(&[place.site, place.stream, ENTRIES, &segment::sealed_name(first)])
    }

    /// Names as they are: an encoded one would be another folder than the layout says.
    fn below(&self, parts: &[&str]) -> Result<Path, ArchiveError> {
        let mut path = self.prefix.to_string();
        for part in parts {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(part);
        }
        Path::parse(path).map_err(|error| ArchiveError::Other { url: self.url.clone(), cause: error.to_string() })
    }

    fn wait<T>(&self, work: impl Future<Output = object_store::Result<T>>) -> Result<T, ArchiveError> {
        let url = || self.url.clone();
        let bounded = async { self.stop.run_until_cancelled(tokio::time::timeout(PATIENCE, work)).await };
        match self.runtime.handle.block_on(bounded) {
            None => Err(ArchiveError::Stopped { url: url() }),
            Some(Err(_)) => Err(ArchiveError::Slow { url: url() }),
            Some(Ok(result)) => result.map_err(|source| self.failed(source)),
        }
    }

    fn failed(&self, source: object_store::Error) -> ArchiveError {
        ArchiveError::Store { url: self.url.clone(), source }
    }
}
