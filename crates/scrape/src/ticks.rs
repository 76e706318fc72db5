//! The grid on which a target is scraped.

/// A scrape that begins this near to its tick carries the tick's time, so that timestamps compress, in milliseconds.
const TICK_TOLERANCE_MS: i64 = 2;
/// The same as a part of the interval, for short intervals. Both are Prometheus'.
const TICK_TOLERANCE_PARTS: i64 = 100;

/// The first tick that is not before `from_ms`.
pub(crate) const fn next_tick(from_ms: i64, interval_ms: i64, offset_ms: i64) -> i64 {
    let interval_ms = if interval_ms < 1 { 1 } else { interval_ms };
    from_ms + (offset_ms - from_ms).rem_euclid(interval_ms)
}

/// The moment that the samples of a scrape carry which was due at one moment and began at another.
pub(crate) fn snapped(due_ms: i64, began_ms: i64, interval_ms: i64) -> i64 {
    let tolerance_ms = TICK_TOLERANCE_MS.min(interval_ms / TICK_TOLERANCE_PARTS);
    if (began_ms - due_ms).abs() <= tolerance_ms { due_ms } else { began_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_on_the_grid() {
        for (from, expected) in [(0, 3), (3, 3), (4, 13), (13, 13)] {
            assert_eq!(next_tick(from, 10, 3), expected);
        }
    }

    #[test]
    fn jitter_is_snapped_to_the_grid() {
        for (due, began, interval, expected) in [
            (1_000, 1_000, 15_000, 1_000),
            (1_000, 1_002, 15_000, 1_000),
            (1_000, 1_003, 15_000, 1_003),
            (1_000, 1_002, 100, 1_002),
            (1_000, 1_001, 100, 1_000),
            (1_000, 1_001, 99, 1_001),
        ] {
            assert_eq!(snapped(due, began, interval), expected, "{due} {began} {interval}");
        }
    }
}
