#![no_main]

use remote::Protocol;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let Some((first, message)) = body.split_first() else { return };
    let protocol = if first % 2 == 0 { Protocol::V1 } else { Protocol::V2 };
    fuzz::pushed::check(|writer, now| {
        let body = snap::raw::Encoder::new().compress_vec(message).unwrap_or_default();
        writer.write(protocol, &body, now)
    });
});
