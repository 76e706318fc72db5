//! An alert's identity as a number, the one that Alertmanager's API and webhooks show.

use model::Labels;

/// Between name and value, and behind each value; no UTF-8 text contains it.
const SEPARATOR: u8 = 0xff;

/// FNV-1a, 64 bits, over the sorted labels; the empty set's is the hash's start value.
pub fn fingerprint(labels: &Labels) -> u64 {
    let mut hash = Fnv::default();
    for (name, value) in labels {
        hash.write(name.as_bytes());
        hash.write(&[SEPARATOR]);
        hash.write(value.as_bytes());
        hash.write(&[SEPARATOR]);
    }
    hash.0
}

/// FNV-1a, 64 bits.
pub(crate) struct Fnv(pub(crate) u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_alertmanager_shows_the_same() {
        let Some(file) = test_support::shared_data("alertmanager-run/hook1.json") else { return };
        let text = std::fs::read_to_string(file).expect("the file");
        let hook: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let alerts = hook["body"]["alerts"].as_array().expect("alerts");
        assert_eq!(alerts.len(), 2);
        for alert in alerts {
            let labels = alert["labels"].as_object().expect("labels");
            let labels: Labels = labels.iter().map(|(name, value)| (name, value.as_str().expect("text"))).collect();
            assert_eq!(format!("{:016x}", fingerprint(&labels)), alert["fingerprint"].as_str().expect("text"));
        }
        assert_eq!(fingerprint(&Labels::empty()), 0xcbf2_9ce4_8422_2325);
    }
}
