//! A copy of what all guards have on record, for as long as a command looks at it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::caller::Caller;
use super::guards::{Guard, Guards, may_write};
use super::{AuditError, ClusterArgs, ClusterError, Published, all, ask, runtime};
use crate::audit::copy::Copy;
use crate::cli::audit::progress::Progress;
use crate::operator::RECORD_KEYS;

/// The copy; its files go with it.
pub struct Copied {
    folder: TempDir,
    /// What it is a copy of, by a name that stays.
    pub name: String,
    /// What was published of it before it was made.
    pub published: Published,
}

impl Copied {
    /// A log in the published layout.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

/// Copies what every guard has, or that of the one that writes the stream `only`; nothing when a guard does not answer, which is said.
///
/// # Errors
/// When the cluster cannot be reached or the copy not be written.
pub fn copy(
    args: &ClusterArgs,
    only: Option<&str>,
    messages: &mut dyn std::io::Write,
) -> Result<Option<Copied>, AuditError> {
    let folder = tempfile::Builder::new().prefix("datashare-audit-").tempdir()?;
    let copy = Arc::new(Copy::new(&folder.path().join("log"))?);
    let runtime = runtime()?;
    // how much there is, nobody knows before it is there
    let progress = Arc::new(Progress::new(0));
    let copied = runtime.block_on(async {
        let caller = Caller::new(args.context.as_deref()).await?;
        let mut guards = Guards::find(&caller, args, None).await?;
        if let Some(only) = only {
            guards.all.retain(|guard| guard.stream == only || may_write(&guard.name, only));
            if guards.all.is_empty() {
                return Err(ClusterError::NoSuchStream(only.to_owned()).into());
            }
        }
        let published = match Published::by_operator(&caller, &args.system).await {
            Ok(published) => published,
            Err(error) => {
                writeln!(messages, "keys are not compared with those of ConfigMap {RECORD_KEYS}: {error}")?;
                Published::default()
            }
        };
        let published = guards.all.iter().fold(published, |all, guard| all.and(guard.published.clone()));
        let fetch = |guard: Guard| {
            let (caller, copy, progress) = (caller.clone(), copy.clone(), progress.clone());
            async move { ask::fetch(&caller, &guard, &copy, |bytes| progress.step(bytes)).await }
        };
        let copied = all(args, guards, messages, fetch).await?;
        Ok::<_, AuditError>(copied.map(|_| published))
    });
    progress.end();
    // what is still on its way is of no use any more
    runtime.shutdown_timeout(Duration::from_millis(100));
    let name = format!("guards of {}", args.place());
    Ok(copied?.map(|published| Copied { folder, name, published }))
}
