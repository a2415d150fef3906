//! What is asked of the API server for one kind in one namespace, or in all: a list, a watch, or only how
//! far the store has come. Every answer is bounded in size, and every wait in time.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::header::{ACCEPT, ACCEPT_ENCODING};
use hyper::{Request, Response};
use kube::Client;
use kube::client::Body;

use super::PART_OF;
use super::lines::Lines;
use super::written::{Page, refusal};
use crate::api::v1alpha1::API_VERSION;
use crate::source::change::{Version, Watched};

/// The head of an answer must come in this time.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Objects of one page; 1.5 MiB each at most, and a few KiB in practice.
const PAGE: usize = 250;
/// No page is longer: 250 objects of a mebibyte.
const LONGEST_PAGE: usize = 256 << 20;
const LONGEST_REFUSAL: usize = 64 << 10;
/// A list that comes as a watch may take this long.
const LONG: u32 = 290;
/// Only what is needed to know how far the store has come.
const METADATA_ONLY: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/// Why an answer is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("the server has forgotten the version to go on from")]
    Gone,
    #[error("{message} ({code})")]
    Refused { code: u16, message: String },
    #[error("{0}")]
    Broken(String),
    #[error("no answer in time")]
    Silent,
    /// Nobody takes in what is told.
    #[error("nobody listens")]
    Unheard,
}

/// Where a watch begins.
#[derive(Clone, Copy, Debug)]
pub enum Begin<'v> {
    /// With everything that is there.
    WithAll,
    /// After a version, for so many seconds.
    After(&'v str, u32),
}

/// One kind in one namespace, or in all.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub watched: Watched,
    /// `/apis/…` up to the query, and the selector that goes with every question.
    path: String,
    selector: String,
}

impl Endpoint {
    #[must_use]
    pub fn new(watched: Watched, namespace: Option<&str>) -> Self {
        let within = namespace.map(|namespace| format!("/namespaces/{namespace}")).unwrap_or_default();
        match watched {
            Watched::Kind(kind) => {
                let path = format!("/apis/{API_VERSION}{within}/{}", kind.aliases().0);
                Self { watched, path, selector: String::new() }
            }
            Watched::ConfigMap => {
                let (label, value) = PART_OF;
                let selector = format!("&labelSelector={}%3D{value}", label.replace('/', "%2F"));
                Self { watched, path: format!("/api/v1{within}/configmaps"), selector }
            }
        }
    }

    /// One page of everything that is there, as of the moment it is asked for.
    pub async fn page(&self, client: &Client, next: Option<&str>) -> Result<Page, Trouble> {
        let next = next.map(|next| format!("&continue={next}")).unwrap_or_default();
        let query = format!("limit={PAGE}{next}");
        decode(&self.text(client, &query, "application/json").await?)
    }

    /// How far the store has come. The server must ask the store for it: no version is given to be content with.
    pub async fn version(&self, client: &Client) -> Result<Version, Trouble> {
        let page = decode(&self.text(client, "limit=1", METADATA_ONLY).await?)?;
        number(&page.metadata.resource_version)
    }

    /// The lines of a watch.
    pub async fn watch(&self, client: &Client, begin: Begin<'_>) -> Result<Lines, Trouble> {
        let query = match begin {
            Begin::WithAll => {
                format!("watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds={LONG}")
            }
            Begin::After(version, seconds) => format!("watch=1&resourceVersion={version}&timeoutSeconds={seconds}"),
        };
        let response = self.ask(client, &format!("{query}&allowWatchBookmarks=true"), "application/json").await?;
        Ok(Lines::new(response.into_body()))
    }

    async fn text(&self, client: &Client, query: &str, accept: &str) -> Result<Vec<u8>, Trouble> {
        let response = self.ask(client, query, accept).await?;
        let body = Limited::new(response.into_body(), LONGEST_PAGE).collect();
        let body = tokio::time::timeout(PATIENCE, body).await.map_err(|_| Trouble::Silent)?;
        Ok(body.map_err(|error| Trouble::Broken(error.to_string()))?.to_bytes().to_vec())
    }

    async fn ask(&self, client: &Client, query: &str, accept: &str) -> Result<Response<Body>, Trouble> {
        let uri = format!("{}?{query}{}", self.path, self.selector);
        let request = Request::get(uri).header(ACCEPT, accept).header(ACCEPT_ENCODING, "identity");
        let request = request.body(Body::empty()).map_err(|error| Trouble::Broken(error.to_string()))?;
        let answered = tokio::time::timeout(PATIENCE, client.send(request)).await.map_err(|_| Trouble::Silent)?;
        let response = answered.map_err(|error| Trouble::Broken(error.to_string()))?;
        match response.status().as_u16() {
            200..=299 => Ok(response),
            410 => Err(Trouble::Gone),
            code => Err(self.refused(code, response).await),
        }
    }

    async fn refused(&self, code: u16, response: Response<Body>) -> Trouble {
        let body = Limited::new(response.into_body(), LONGEST_REFUSAL).collect();
        let body = tokio::time::timeout(PATIENCE, body).await;
        let body = body.ok().and_then(Result::ok).map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let message = refusal(&body).unwrap_or_else(|| "no reason was given".to_owned());
        let mend = match code {
            401 | 403 => format!("; give this service account list and watch on {}", self.path),
            404 => "; install the definitions (datashare crds) first".to_owned(),
            _ => String::new(),
        };
        Trouble::Refused { code, message: format!("{message}{mend}") }
    }
}

/// A version as the number it is.
pub fn number(version: &str) -> Result<Version, Trouble> {
    version.parse().map_err(|_| Trouble::Broken(format!("`{version}` is no version that can be compared")))
}

fn decode(bytes: &[u8]) -> Result<Page, Trouble> {
    Page::read(bytes).map_err(|error| Trouble::Broken(format!("an answer cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1alpha1::Kind;

    #[test]
    fn an_empty_list_is_null_or_empty() {
        for items in ["", ",\"items\":null", ",\"items\":[]"] {
            let text = format!("{{\"metadata\":{{\"resourceVersion\":\"216\",\"continue\":\"\"}}{items}}}");
            assert_eq!(decode(text.as_bytes()).unwrap().metadata.resource_version, "216");
        }
    }

    #[test]
    fn asks_where_the_server_answers() {
        let all = Endpoint::new(Watched::Kind(Kind::AccessGrant), None);
        assert_eq!(all.path, "/apis/datashare.dev/v1alpha1/accessgrants");
        let one = Endpoint::new(Watched::Kind(Kind::AccessGrant), Some("jinan"));
        assert_eq!(one.path, "/apis/datashare.dev/v1alpha1/namespaces/jinan/accessgrants");
        let maps = Endpoint::new(Watched::ConfigMap, Some("own"));
        assert_eq!(maps.path, "/api/v1/namespaces/own/configmaps");
        assert_eq!(maps.selector, "&labelSelector=app.kubernetes.io%2Fpart-of%3Ddatashare");
    }
}
