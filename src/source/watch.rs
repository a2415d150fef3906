//! Tells which paths may have changed, at once: what was closed after writing, moved or removed needs
//! no waiting; what is being written is left alone until its writer closes it or pauses. Never says
//! that nothing changed: whoever needs to be sure walks the tree as well, which is the way back after
//! an overflow too. Where the system has no inotify, it is the only way.

#[cfg(target_os = "linux")]
mod inotify;
#[cfg(not(target_os = "linux"))]
mod none;
mod quiet;

#[cfg(target_os = "linux")]
pub(super) use inotify::Watch;
#[cfg(not(target_os = "linux"))]
pub(super) use none::Watch;
pub(super) use quiet::Quiet;

/// Something the system told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// Written and closed, moved here, or its permissions changed: look now.
    Settled(String),
    /// Created or modified and perhaps still open: look when its writer pauses.
    Unsettled(String),
    /// Removed or moved away: absent, unless it is back already.
    Removed(String),
    /// A directory appeared: watch it, then walk it.
    DirectoryAdded(String),
    /// A directory went, with all below it.
    DirectoryRemoved(String),
    /// Something happened to the root itself.
    Root,
    /// Events were lost: walk everything.
    Lost,
}
