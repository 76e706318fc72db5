//! Fewer points, the same picture: of each column of pixels the first, lowest, highest and last (M4).

use crate::COLUMNS;

/// A point of a line: milliseconds since the left edge, value.
pub(crate) type Point = (f64, f64);

/// Cuts a column of samples into runs that are joined: at missing values, and where neighbours are further apart than
/// `gap_ms` (0: never).
pub(crate) fn runs(samples: &[(i64, Option<f64>)], from_ms: i64, gap_ms: i64) -> Vec<Vec<Point>> {
    let mut out: Vec<Vec<Point>> = Vec::new();
    let mut last: Option<i64> = None;
    for (at, value) in samples {
        let Some(value) = value else {
            last = None;
            continue;
        };
        let joined = last.is_some_and(|last| gap_ms == 0 || at.saturating_sub(last) <= gap_ms);
        let point = (at.saturating_sub(from_ms) as f64, *value);
        match out.last_mut() {
            Some(run) if joined => run.push(point),
            _ => out.push(vec![point]),
        }
        last = Some(*at);
    }
    out
}

/// At most four points for each of [`COLUMNS`] columns over `span_ms`; a run that is short enough stays as it is.
pub(crate) fn decimate(run: Vec<Point>, span_ms: f64) -> Vec<Point> {
    if run.len() <= COLUMNS {
        return run;
    }
    let column = |point: &Point| (point.0 / span_ms * COLUMNS as f64) as usize;
    let mut out = Vec::with_capacity(COLUMNS * 4);
    for bucket in run.chunk_by(|a, b| column(a) == column(b)) {
        let lowest = (0..bucket.len()).min_by(|a, b| bucket[*a].1.total_cmp(&bucket[*b].1)).unwrap_or(0);
        let highest = (0..bucket.len()).max_by(|a, b| bucket[*a].1.total_cmp(&bucket[*b].1)).unwrap_or(0);
        let mut kept = [0, lowest, highest, bucket.len() - 1];
        kept.sort_unstable();
        let mut previous = None;
        for index in kept {
            if previous != Some(index) {
                out.push(bucket[index]);
            }
            previous = Some(index);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_sample_breaks_the_line() {
        let samples = [(0, Some(1.0)), (10, Some(2.0)), (20, None), (30, Some(3.0)), (60, Some(4.0)), (70, Some(5.0))];
        assert_eq!(
            runs(&samples, 0, 15),
            [vec![(0.0, 1.0), (10.0, 2.0)], vec![(30.0, 3.0)], vec![(60.0, 4.0), (70.0, 5.0)]]
        );
        assert_eq!(runs(&samples, 0, 0).len(), 2);
    }

    #[test]
    fn extremes_and_ends_survive() {
        let mut run: Vec<Point> = (0..10_000).map(|i| (f64::from(i), 0.0)).collect();
        run[4_321].1 = 9.0;
        run[7_777].1 = -9.0;
        let kept = decimate(run, 10_000.0);
        assert!(kept.len() <= 4 * COLUMNS);
        assert!(kept.contains(&(4_321.0, 9.0)) && kept.contains(&(7_777.0, -9.0)));
        assert_eq!((kept[0].0, kept[kept.len() - 1].0), (0.0, 9_999.0));
        assert!(kept.is_sorted_by(|a, b| a.0 < b.0));
    }
}
