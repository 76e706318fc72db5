//! How fast a page is read: by our parser, with all labels, the second time, and by the crate that others use.

use std::hint::black_box;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput};
use exposition::{Entry, Parser, labels_of};
use model::MetricType;

/// A model server's page, a host's, and a large one.
const PAGES: [&str; 3] = ["vllm_0.33.0.txt", "node_exporter_1.5.0.txt", "huge_1mb.txt"];

/// What a reader of the same page remembers of a line.
enum Known {
    Series(Vec<u8>),
    Metadata(Vec<u8>, Option<MetricType>),
}

pub(crate) fn parse(criterion: &mut Criterion) {
    for page in PAGES {
        let Some(path) = test_support::shared_data(Path::new("expositions").join(page)) else { continue };
        let Ok(body) = std::fs::read_to_string(path) else { continue };
        let mut group = criterion.benchmark_group(format!("exposition {page}"));
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function("ours", |bencher| bencher.iter(|| sum(Parser::new(black_box(body.as_bytes())))));
        group.bench_function("ours, with labels", |bencher| {
            bencher.iter(|| with_labels(Parser::new(black_box(body.as_bytes()))));
        });
        let known = learn(&body);
        group.bench_function("ours, the second time", |bencher| {
            bencher.iter(|| again(Parser::new(black_box(body.as_bytes())), &known));
        });
        group.bench_function("prometheus-parse", |bencher| {
            let lines = || body.lines().map(|line| Ok(line.to_owned())).collect::<Vec<_>>();
            let scrape = |lines: Vec<_>| prometheus_parse::Scrape::parse(lines.into_iter());
            bencher.iter_batched(lines, scrape, BatchSize::LargeInput);
        });
        group.finish();
    }
}

fn sum(page: Parser<'_>) -> f64 {
    let values = page.map_while(Result::ok).filter_map(|entry| match entry {
        Entry::Series { value, .. } => Some(value),
        _ => None,
    });
    values.sum()
}

fn with_labels(mut page: Parser<'_>) -> usize {
    let mut count = 0;
    while let Some(Ok(entry)) = page.next() {
        if let Entry::Series { raw, .. } = entry {
            count += labels_of(&raw, page.kind()).map_or(0, |labels| labels.len());
        }
    }
    count
}

fn learn(body: &str) -> Vec<Known> {
    let mut page = Parser::new(body.as_bytes());
    let mut known = Vec::new();
    while let Some(Ok(entry)) = page.next() {
        match (entry, page.last_line()) {
            (Entry::Series { raw, .. }, _) => known.push(Known::Series(raw.into_owned())),
            (Entry::Type { kind, .. }, Some(line)) => known.push(Known::Metadata(line.to_vec(), Some(kind))),
            (_, Some(line)) => known.push(Known::Metadata(line.to_vec(), None)),
            (_, None) => {}
        }
    }
    known
}

fn again(mut page: Parser<'_>, known: &[Known]) -> f64 {
    let mut sum = 0.0;
    for line in known {
        match line {
            Known::Series(raw) => sum += page.next_known(raw).map_or(f64::NAN, |(value, _)| value),
            Known::Metadata(line, kind) => sum += if page.skip_known(line, *kind) { 0.0 } else { f64::NAN },
        }
    }
    assert!(page.next().is_none(), "the page was not read to its end");
    sum
}
