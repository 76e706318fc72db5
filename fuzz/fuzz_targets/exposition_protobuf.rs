#![no_main]

use exposition::{Format, Options};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    fuzz::check(Format::Protobuf, body, Options { native_histograms: true, classic_histograms: true });
});
