//! Names that exist: those that fit what somebody looks for, and those near what somebody mistyped.

/// Names that are compared; more would be slow, and the first ones are as good a help.
const COMPARED_MAX: usize = 10_000;
/// A name further away than this share of its length is no suggestion.
const DISTANCE_MAX: f64 = 0.45;

/// Names that contain every word of `find`, in their order.
pub(crate) fn containing<'a>(names: &'a [String], find: &str) -> Vec<&'a str> {
    let words: Vec<String> = find.split_whitespace().map(str::to_lowercase).collect();
    let fits = |name: &&String| {
        let name = name.to_lowercase();
        words.iter().all(|word| name.contains(word.as_str()))
    };
    names.iter().filter(fits).map(String::as_str).collect()
}

/// At most `count` names nearest to `wanted`, nearest first.
pub(crate) fn nearest<'a>(names: &'a [String], wanted: &str, count: usize) -> Vec<&'a str> {
    let mut near: Vec<(usize, &str)> = names
        .iter()
        .take(COMPARED_MAX)
        .map(|name| (distance(name, wanted), name.as_str()))
        .filter(|(distance, name)| *distance as f64 <= DISTANCE_MAX * name.len().max(wanted.len()) as f64)
        .collect();
    near.sort_unstable();
    near.into_iter().take(count).map(|(_, name)| name).collect()
}

/// Insertions, deletions and substitutions of bytes between two names (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, byte) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, other) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(byte != other);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["node_load1", "node_memory_MemFree_bytes", "vllm:e2e_request_latency_seconds_count", "up"]
            .map(str::to_owned)
            .to_vec()
    }

    #[test]
    fn tutorials_wrong_names_find_the_right_ones() {
        assert_eq!(
            nearest(&names(), "vllm:request_latency_seconds_count", 3),
            ["vllm:e2e_request_latency_seconds_count"]
        );
        assert_eq!(nearest(&names(), "node_load", 3), ["node_load1"]);
        assert!(nearest(&names(), "entirely_else", 3).is_empty());
    }

    #[test]
    fn every_word_counts() {
        assert_eq!(containing(&names(), "mem NODE"), ["node_memory_MemFree_bytes"]);
        assert_eq!(containing(&names(), "").len(), 4);
    }
}
