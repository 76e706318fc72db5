//! Which series' values follow another's: a histogram's buckets and its sum grow with its count.

use std::collections::HashMap;

use model::{BUCKET_LE, Labels, METRIC_NAME};

/// For each series, the place of the one that its values may be told by. Both must be in the list.
pub(super) fn bases(series: &[(u32, Labels, String)]) -> Vec<Option<usize>> {
    let suffixed = |suffix: &str| {
        let places = series.iter().enumerate().filter(|(_, (_, labels, _))| labels.metric_name().ends_with(suffix));
        places.map(|(place, (_, labels, _))| (labels, place)).collect::<HashMap<&Labels, usize>>()
    };
    let counts = suffixed("_count");
    let buckets = suffixed("_bucket");
    let all = |bucket: &Labels| {
        let mut builder = bucket.to_builder();
        builder.set(BUCKET_LE, "+Inf");
        buckets.get(&builder.build()).copied()
    };
    let base = |(_, labels, _): &(u32, Labels, String)| {
        let name = labels.metric_name();
        if name.ends_with("_bucket") {
            return labels.get(BUCKET_LE).filter(|le| *le != "+Inf").and_then(|_| all(labels));
        }
        let stem = name.strip_suffix("_sum")?;
        let mut builder = labels.to_builder();
        builder.set(METRIC_NAME, &format!("{stem}_count"));
        counts.get(&builder.build()).copied()
    };
    series.iter().map(base).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_the_last_and_sums_the_count() {
        let names = [
            ("h_bucket", "+Inf"),
            ("h_bucket", "1"),
            ("h_count", ""),
            ("h_sum", ""),
            ("other_bucket", "1"),
            ("other_sum", ""),
            ("up", ""),
        ];
        let labels = |(name, le)| (0, Labels::from_pairs([(METRIC_NAME, name), (BUCKET_LE, le)]), String::new());
        let series: Vec<_> = names.map(labels).into();
        assert_eq!(bases(&series), [None, Some(0), None, Some(2), None, None, None]);
    }
}
