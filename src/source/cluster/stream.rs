//! Follows one endpoint for ever: everything that is there, then watch after watch from the version the
//! last one came to, and everything again when the server has forgotten that version. What went meanwhile
//! is told too. Trouble is said once and tried again.

use std::time::Duration;

use kube::Client;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Pace;
use super::backoff::Backoff;
use super::endpoint::{Begin, Endpoint, Trouble, number};
use super::maps::Maps;
use super::objects::Objects;
use super::written::{Event, Written};
use crate::clock::Stopwatch;
use crate::source::change::{SourceChange, Version, Watched};

/// Changes of a list that are told together.
const TOGETHER: usize = 512;
/// After the time a watch was asked to last, before its connection is given up for dead.
const OVERTIME: Duration = Duration::from_secs(5);
/// A watch that ends sooner did not end because its time was over.
const SHORT: Duration = Duration::from_secs(1);
/// Between two lines of a list that comes as a watch.
const BETWEEN: Duration = Duration::from_secs(30);

/// What one endpoint has to say.
#[derive(Debug, Default)]
pub struct Told {
    pub number: usize,
    pub changes: Vec<SourceChange>,
    pub said: Vec<String>,
    /// Everything up to here has been told.
    pub version: Option<Version>,
    /// The first list is complete.
    pub listed: bool,
}

/// Turns what the server gives into changes, and knows what was told before.
#[derive(Debug)]
enum Reader {
    Objects(Objects),
    Maps(Maps),
}

/// One endpoint that is followed.
pub struct Stream {
    client: Client,
    endpoint: Endpoint,
    number: usize,
    pace: Pace,
    out: mpsc::Sender<Told>,
    reader: Reader,
    /// Where the next watch begins.
    version: Option<String>,
    listed: bool,
    /// The server has no lists that come as a watch.
    pages_only: bool,
    /// The trouble that was said last.
    trouble: String,
}

/// What a line of a watch was.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Object,
    Bookmark,
    EndOfList,
}

impl Stream {
    pub fn new(client: Client, endpoint: Endpoint, number: usize, pace: Pace, out: mpsc::Sender<Told>) -> Self {
        let reader = match endpoint.watched {
            Watched::Kind(kind) => Reader::Objects(Objects::new(kind)),
            Watched::ConfigMap => Reader::Maps(Maps::default()),
        };
        let (version, trouble) = (None, String::new());
        Self { client, endpoint, number, pace, out, reader, version, listed: false, pages_only: false, trouble }
    }

    /// Follows until nobody listens. `first_list` is cancelled when the first list has been told.
    pub async fn run(mut self, first_list: Option<CancellationToken>) {
        let mut backoff = Backoff::default();
        loop {
            let took = Stopwatch::start();
            let watching = self.version.clone();
            let ended = match &watching {
                None => self.list().await,
                Some(version) => self.watch(version).await,
            };
            match ended {
                Ok(()) => {
                    self.trouble.clear();
                    if let Some(token) = &first_list {
                        token.cancel();
                    }
                    // a watch that ends at once would be asked for again at once, for ever
                    if watching.is_none() || took.elapsed() >= SHORT {
                        backoff.reset();
                        continue;
                    }
                }
                Err(Trouble::Unheard) => return,
                Err(trouble) => {
                    if matches!(trouble, Trouble::Gone) {
                        self.version = None;
                    }
                    if self.complain(&trouble).await.is_err() {
                        return;
                    }
                    if took.elapsed() >= SHORT {
                        backoff.reset();
                    }
                }
            }
            backoff.wait().await;
        }
    }

    /// Tells everything that is there, and what is not there any more.
    async fn list(&mut self) -> Result<(), Trouble> {
        self.reader.begin();
        let mut told = Told::default();
        let version = match self.list_all(&mut told).await {
            Ok(version) => version,
            Err(trouble) => {
                // what was read counts as told
                self.send(told).await?;
                return Err(trouble);
            }
        };
        self.reader.end(&mut told);
        told.listed = !self.listed;
        told.version = number(&version).ok();
        self.send(told).await?;
        (self.version, self.listed) = (Some(version), true);
        Ok(())
    }

    async fn list_all(&mut self, told: &mut Told) -> Result<String, Trouble> {
        if !self.pages_only {
            match self.list_as_watch(told).await {
                Err(Trouble::Refused { code: 400 | 422, .. }) => self.pages_only = true,
                outcome => return outcome,
            }
        }
        self.list_as_pages(told).await
    }

    async fn list_as_watch(&mut self, told: &mut Told) -> Result<String, Trouble> {
        let mut lines = self.endpoint.watch(&self.client, Begin::WithAll).await?;
        while let Some(line) = lines.next(BETWEEN).await? {
            let (line, version) = self.read(&line, told)?;
            if line == Line::EndOfList {
                return Ok(version);
            }
            self.send_many(told).await?;
        }
        Err(Trouble::Broken("a list was cut off".to_owned()))
    }

    async fn list_as_pages(&mut self, told: &mut Told) -> Result<String, Trouble> {
        let mut next = None;
        loop {
            let page = self.endpoint.page(&self.client, next.as_deref()).await?;
            for written in page.items.into_iter().flatten() {
                self.reader.put(&written, told);
                self.send_many(told).await?;
            }
            next = page.metadata.next.filter(|next| !next.is_empty());
            if next.is_none() {
                return Ok(page.metadata.resource_version);
            }
        }
    }

    /// Tells every change from a version on, until the watch ends as it should.
    async fn watch(&mut self, version: &str) -> Result<(), Trouble> {
        let seconds = self.pace.seconds();
        let mut lines = self.endpoint.watch(&self.client, Begin::After(version, seconds)).await?;
        let patience = Duration::from_secs(u64::from(seconds)) + OVERTIME;
        while let Some(line) = lines.next(patience).await? {
            let mut told = Told::default();
            let (_, version) = self.read(&line, &mut told)?;
            told.version = number(&version).ok();
            self.send(told).await?;
            self.version = Some(version);
        }
        Ok(())
    }

    fn read(&mut self, line: &[u8], told: &mut Told) -> Result<(Line, String), Trouble> {
        let event = Event::read(line)
            .map_err(|error| Trouble::Broken(format!("a line of the watch cannot be read: {error}")))?;
        let Event { type_, object } = event;
        let line = match type_.as_str() {
            "ADDED" | "MODIFIED" => {
                self.reader.put(&object, told);
                Line::Object
            }
            "DELETED" => {
                self.reader.gone(&object.metadata.id(), told);
                Line::Object
            }
            "BOOKMARK" if object.metadata.ends_list() => Line::EndOfList,
            "BOOKMARK" => Line::Bookmark,
            "ERROR" if object.code == Some(410) => return Err(Trouble::Gone),
            "ERROR" => {
                let message = object.message.unwrap_or_default();
                return Err(Trouble::Refused { code: object.code.unwrap_or_default(), message });
            }
            other => return Err(Trouble::Broken(format!("the watch has an event `{other}`"))),
        };
        Ok((line, object.metadata.resource_version))
    }

    async fn send_many(&mut self, told: &mut Told) -> Result<(), Trouble> {
        if told.changes.len() + told.said.len() < TOGETHER {
            return Ok(());
        }
        self.send(std::mem::take(told)).await
    }

    async fn send(&mut self, mut told: Told) -> Result<(), Trouble> {
        told.number = self.number;
        // what cannot be understood must not count as seen
        told.version = told.version.filter(|_| self.reader.is_sound());
        self.out.send(told).await.map_err(|_| Trouble::Unheard)
    }

    /// Says what is wrong, unless it was said before.
    async fn complain(&mut self, trouble: &Trouble) -> Result<(), Trouble> {
        let text = trouble.to_string();
        if self.trouble == text || matches!(trouble, Trouble::Gone) {
            return Ok(());
        }
        self.trouble.clone_from(&text);
        let said = vec![format!("{}: cannot be watched: {text}; trying again", self.endpoint.watched)];
        self.send(Told { said, ..Told::default() }).await
    }
}

impl Reader {
    /// A list of everything begins.
    fn begin(&mut self) {
        match self {
            Self::Objects(objects) => objects.begin(),
            Self::Maps(maps) => maps.begin(),
        }
    }

    fn put(&mut self, written: &Written, told: &mut Told) {
        if written.metadata.is_going() {
            return self.gone(&written.metadata.id(), told);
        }
        match self {
            Self::Objects(objects) => objects.put(written, told),
            Self::Maps(maps) => maps.put(written, told),
        }
    }

    fn gone(&mut self, id: &str, told: &mut Told) {
        match self {
            Self::Objects(objects) => objects.gone(id, told),
            Self::Maps(maps) => maps.gone(id, told),
        }
    }

    /// The list was complete: what it did not have is gone.
    fn end(&mut self, told: &mut Told) {
        match self {
            Self::Objects(objects) => objects.end(told),
            Self::Maps(maps) => maps.end(told),
        }
    }

    fn is_sound(&self) -> bool {
        match self {
            Self::Objects(_) => true,
            Self::Maps(maps) => maps.is_sound(),
        }
    }
}
