//! The one place that asks the operating system for randomness.

/// The operating system gave no random bytes; nothing that needs them may go on.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub struct RandomError(#[from] getrandom::Error);

/// `N` bytes that nobody can guess.
///
/// # Errors
/// When the operating system's source fails.
pub fn bytes<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut out = [0; N];
    getrandom::fill(&mut out)?;
    Ok(out)
}
