#![no_main]

use exposition::{Format, Options};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    fuzz::check(Format::Text, body, Options { native_histograms: true, classic_histograms: true });
});
