//! The crate that others use drops names with colons and regroups histograms; where a page has neither, it is a second
//! opinion.

use std::collections::BTreeMap;
use std::path::Path;

use exposition::{Entry, Parser, labels_of};
use prometheus_parse::{Scrape, Value};

#[test]
fn another_parser_finds_the_same_values() {
    for page in ["nvidia_smi_nvidia-l40s__595.80__load.txt", "dcgm_exporter_4.5.3_Hostname.txt", "huge_1mb.txt"] {
        let Some(path) = test_support::shared_data(Path::new("expositions").join(page)) else { return };
        let body = std::fs::read_to_string(path).unwrap();
        let mut ours: BTreeMap<String, f64> = BTreeMap::new();
        let mut parser = Parser::new(body.as_bytes());
        while let Some(entry) = parser.next() {
            if let Entry::Series { raw, value, .. } = entry.unwrap() {
                ours.insert(labels_of(&raw, parser.kind()).unwrap().to_string(), value);
            }
        }
        let scrape = Scrape::parse(body.lines().map(|line| Ok(line.to_owned()))).unwrap();
        let mut compared = 0;
        for sample in &scrape.samples {
            let (Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value)) = sample.value else { continue };
            let pairs = sample.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let labels = model::Labels::from_pairs(pairs.chain([("__name__", sample.metric.as_str())]));
            assert_eq!(ours.get(&labels.to_string()), Some(&value), "{page}: {labels}");
            compared += 1;
        }
        assert!(40 < compared, "{page}: {compared}");
    }
}
