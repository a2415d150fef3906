//! What S3 asks for beside what every store does: Object Lock on what is put, and removal of versions.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::path::Path;
use object_store::signer::{HeaderMap, HeaderValue, Method, SignedUrlOptions, Signer};
use object_store::{BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt, RetryConfig};
use reqwest::StatusCode;

const CONNECT: Duration = Duration::from_secs(5);
/// A segment on a slow line.
const REQUEST: Duration = Duration::from_mins(4);
/// Failures in a row are the business of whoever asks again later.
const RETRIES: usize = 2;
/// Versions of one object that are removed; we write one.
const MOST_VERSIONS: usize = 16;

/// Object Lock of what is put into the archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lock {
    #[default]
    None,
    /// Some people may still remove it.
    Governance,
    /// Nobody can.
    Compliance,
}

impl Lock {
    fn mode(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Governance => Some("GOVERNANCE"),
            Self::Compliance => Some("COMPLIANCE"),
        }
    }
}

/// One bucket.
pub struct S3 {
    builder: AmazonS3Builder,
    options: ClientOptions,
    store: Arc<AmazonS3>,
    lock: Lock,
}

impl S3 {
    /// The bucket, with the credentials, region and endpoint that the variables `AWS_…` of `environment` name.
    pub fn new(
        bucket: &str,
        lock: Lock,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> object_store::Result<Self> {
        // another part of the process may have chosen one already
        let _ = rustls::crypto::ring::default_provider().install_default();
        let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: RETRIES, retry_timeout: REQUEST };
        let mut builder = AmazonS3Builder::new();
        let mut options = ClientOptions::new().with_connect_timeout(CONNECT).with_timeout(REQUEST);
        for (name, value) in environment {
            if !name.starts_with("AWS_") {
                continue;
            }
            match name.to_ascii_lowercase().parse() {
                Ok(AmazonS3ConfigKey::Client(key)) => options = options.with_config(key, value),
                Ok(key) => builder = builder.with_config(key, value),
                // of other programs
                Err(_) => {}
            }
        }
        let builder = builder.with_bucket_name(bucket).with_checksum_algorithm(Checksum::SHA256).with_retry(retry);
        let store = Arc::new(builder.clone().with_client_options(options.clone()).build()?);
        Ok(Self { builder, options, store, lock })
    }

    pub fn store(&self) -> Arc<dyn ObjectStore> {
        self.store.clone()
    }

    /// The bucket as one writes to it who locks what is put until then; `None` where nothing is locked.
    pub fn locking(&self, until: Timestamp) -> object_store::Result<Option<Arc<dyn ObjectStore>>> {
        let Some(mode) = self.lock.mode() else { return Ok(None) };
        // whole seconds, and none too few
        let part = SignedDuration::from_nanos(i64::from(until.subsec_nanosecond() > 0) * 999_999_999);
        let until = until.checked_add(part).unwrap_or(until).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let header = |text: &str| {
            HeaderValue::from_str(text).map_err(|error| Error::Generic { store: "S3", source: Box::new(error) })
        };
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-object-lock-mode", header(mode)?);
        headers.insert("x-amz-object-lock-retain-until-date", header(&until)?);
        let options = self.options.clone().with_default_headers(headers);
        Ok(Some(Arc::new(self.builder.clone().with_client_options(options).build()?)))
    }

    /// Removes every version of an object: where versions are kept, a plain removal would only hide it.
    pub async fn remove(&self, path: &Path) -> object_store::Result<()> {
        for _ in 0..MOST_VERSIONS {
            match self.store.head(path).await {
                Err(Error::NotFound { .. }) => return self.remove_hidden(path).await,
                Err(error) => return Err(error),
                Ok(found) => match found.version {
                    // no versions are kept here
                    None => return self.store.delete(path).await,
                    // also `null`, as what was put before versions were kept is called
                    Some(version) => self.remove_version(path, &version).await?,
                },
            }
        }
        Err(failed(format!("{path} has more than {MOST_VERSIONS} versions, of which we wrote one")))
    }

    /// Removes what a plain removal by somebody else hides, and what hides it.
    async fn remove_hidden(&self, path: &Path) -> object_store::Result<()> {
        let query = [("versions".to_owned(), String::new()), ("prefix".to_owned(), path.to_string())];
        let (status, listed) = self.ask(Method::GET, &Path::default(), query).await?;
        match status {
            // a store that knows of no versions
            StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => return Ok(()),
            status if status.is_success() => {}
            status => return Err(failed(format!("versions of {path} cannot be listed: {status} {}", start(&listed)))),
        }
        for version in versions(&listed, path.as_ref()) {
            self.remove_version(path, &version).await?;
        }
        Ok(())
    }

    async fn remove_version(&self, path: &Path, version: &str) -> object_store::Result<()> {
        let query = [("versionId".to_owned(), version.to_owned())];
        let (status, why) = self.ask(Method::DELETE, path, query).await?;
        if status.is_success() {
            return Ok(());
        }
        Err(failed(format!("{path} cannot be removed: {status} {}", start(&why))))
    }

    /// What is answered to a request that the store itself never makes.
    async fn ask(
        &self,
        method: Method,
        path: &Path,
        query: impl IntoIterator<Item = (String, String)>,
    ) -> object_store::Result<(StatusCode, String)> {
        let options = SignedUrlOptions::new().with_query(query);
        let url = self.store.signed_url_opts(method.clone(), path, CONNECT * 12, &options).await?;
        let client = reqwest::Client::builder().connect_timeout(CONNECT).timeout(REQUEST).build();
        let answer = client.map_err(|error| failed(error.to_string()))?.request(method, url.as_str()).send().await;
        // the address carries a signature: it is in no message
        let answer = answer.map_err(|error| failed(error.without_url().to_string()))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| failed(error.without_url().to_string()))?;
        Ok((status, text))
    }
}

/// The versions of exactly this object in a list of them, marks of its removal included.
fn versions(listed: &str, key: &str) -> Vec<String> {
    let inside = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        let (inside, _) = rest.split_once(&format!("</{name}>"))?;
        let plain = inside.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
        Some(plain.replace("&apos;", "'").replace("&amp;", "&"))
    };
    let item = |kind: &'static str| listed.split(kind).skip(1);
    let items = item("<Version>").chain(item("<DeleteMarker>"));
    items
        .filter(|item| inside(item, "Key").as_deref() == Some(key))
        .filter_map(|item| inside(item, "VersionId"))
        .collect()
}

/// As much of an answer as a message needs.
fn start(text: &str) -> String {
    text.chars().take(300).collect()
}

fn failed(why: String) -> Error {
    Error::Generic { store: "S3", source: why.into() }
}
