#![no_main]

use remote::{OtlpConfig, OtlpEncoding, OtlpFormat};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let Some((first, message)) = body.split_first() else { return };
    let format = if first % 2 == 0 { OtlpFormat::Protobuf } else { OtlpFormat::Json };
    let config = OtlpConfig {
        convert_histograms_to_nhcb: first & 2 != 0,
        promote_scope_metadata: first & 4 != 0,
        promote_all_resource_attributes: first & 8 != 0,
        ..OtlpConfig::default()
    };
    fuzz::pushed::check(|writer, now| {
        writer.set_otlp(config.clone());
        writer.write_otlp(format, OtlpEncoding::Identity, message, now)
    });
});
