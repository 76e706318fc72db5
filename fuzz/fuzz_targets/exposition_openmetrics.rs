#![no_main]

use exposition::{Format, Options};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    fuzz::check(Format::OpenMetrics, body, Options { native_histograms: true, classic_histograms: true });
});
