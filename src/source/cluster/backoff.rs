//! Pauses between attempts: short at first, doubled up to a few seconds, and never the same for two
//! processes, so that an API server that comes back is not met by all of them at once.

use std::time::Duration;

use crate::random;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(3);

/// The next pause.
#[derive(Debug)]
pub struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Backoff {
    /// It went well: the next pause is short again.
    pub fn reset(&mut self) {
        self.0 = FIRST;
    }

    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }

    fn next(&mut self) -> Duration {
        // without randomness the pause is only less spread
        let [spread] = random::bytes::<1>().unwrap_or([128]);
        let pause = self.0 / 2 + self.0 * u32::from(spread) / 256;
        self.0 = (self.0 * 2).min(LONGEST);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_a_bound_and_starts_over() {
        let mut backoff = Backoff::default();
        assert!(backoff.next() <= FIRST * 2);
        for _ in 0..20 {
            assert!(backoff.next() <= LONGEST * 2);
        }
        assert!(backoff.next() >= LONGEST / 2);
        backoff.reset();
        assert!(backoff.next() <= FIRST * 2);
    }
}
