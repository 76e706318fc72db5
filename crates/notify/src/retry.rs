//! How long to wait before a notification is tried again.

use std::time::Duration;

/// The first pause, in milliseconds.
const PAUSE_MS: u64 = 500;
/// The longest pause, in milliseconds.
const PAUSE_MS_MAX: u64 = 60_000;

/// The pause after so many attempts: half a second, and half as long again each time.
pub(crate) fn pause_after(attempts: u32) -> Duration {
    let ms = (1..attempts).try_fold(PAUSE_MS, |ms, _| (ms < PAUSE_MS_MAX).then_some(ms * 3 / 2));
    Duration::from_millis(ms.unwrap_or(PAUSE_MS_MAX).min(PAUSE_MS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let ms = |attempts| pause_after(attempts).as_millis();
        assert_eq!([1, 2, 3, 4].map(ms), [500, 750, 1_125, 1_687]);
        assert_eq!([12, 13, 14, u32::MAX].map(ms), [43_222, 60_000, 60_000, 60_000]);
    }
}
