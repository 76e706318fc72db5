//! What the moments at which counters began say about resets. A start of 0 is not known.

/// Whether a counter began anew between two samples, each given by its start and its moment: its start lies at or after
/// the sample before. A start that is not before its own sample is no start; one that is the moment of the sample before
/// only counts if that sample has a start of its own, for a counter of unknown age also points there.
pub(super) const fn is_start_reset(before: (i64, i64), after: (i64, i64)) -> bool {
    let ((before_start, before_at), (start, at)) = (before, after);
    if start == 0 || at <= start || start < before_at {
        return false;
    }
    before_at < start || (before_start != 0 && before_start < before_at)
}

/// Whether a sample claims to count from before the one before it, without sharing its start.
pub(super) const fn overlaps(before: (i64, i64), after: (i64, i64)) -> bool {
    let ((before_start, before_at), (start, _)) = (before, after);
    start != 0 && start < before_at && start != before_start
}

/// Start and moment of the sample at `position`.
pub(super) fn moment(starts_ms: &[i64], position: usize, at_ms: i64) -> (i64, i64) {
    (starts_ms.get(position).copied().unwrap_or(0), at_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_after_the_sample_before_is_a_reset() {
        for (before, after, expected) in [
            ((0, 60), (0, 120), false),
            ((30, 60), (30, 120), false),
            ((30, 60), (90, 120), true),
            ((30, 60), (60, 120), true),
            ((0, 60), (60, 120), false),
            ((60, 60), (60, 120), false),
            ((0, 60), (120, 120), false),
            ((0, 60), (130, 120), false),
        ] {
            assert_eq!(is_start_reset(before, after), expected, "{before:?} {after:?}");
        }
    }
}
