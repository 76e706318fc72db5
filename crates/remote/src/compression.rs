//! Decompression with a bound on what comes out.

use std::io::Read as _;

use crate::error::{DecodeError, MESSAGE_BYTES_MAX};

/// Decompresses snappy's block format into `buffer`; the size that the body claims is looked at before any memory is
/// taken.
pub(crate) fn snappy<'a>(body: &[u8], buffer: &'a mut Vec<u8>) -> Result<&'a [u8], DecodeError> {
    let bytes = snap::raw::decompress_len(body)?;
    if MESSAGE_BYTES_MAX < bytes {
        return Err(DecodeError::TooLarge { bytes });
    }
    if buffer.len() < bytes {
        buffer.resize(bytes, 0);
    }
    let written = snap::raw::Decoder::new().decompress(body, buffer)?;
    Ok(&buffer[..written])
}

/// Decompresses gzip into `buffer`, whose size grows with what was really read.
pub(crate) fn gzip<'a>(body: &[u8], buffer: &'a mut Vec<u8>) -> Result<&'a [u8], DecodeError> {
    buffer.clear();
    let mut reader = flate2::read::MultiGzDecoder::new(body).take(MESSAGE_BYTES_MAX as u64 + 1);
    let bytes = reader.read_to_end(buffer).map_err(DecodeError::Gzip)?;
    if MESSAGE_BYTES_MAX < bytes {
        return Err(DecodeError::TooLarge { bytes });
    }
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_body_that_claims_to_be_huge_takes_no_memory() {
        let mut claim = Vec::new();
        protobuf::put_varint(&mut claim, 4_000_000_000);
        let mut buffer = Vec::new();
        let error = snappy(&claim, &mut buffer).unwrap_err();
        assert!(error.to_string().contains("4000000000"), "{error}");
        assert_eq!(buffer.capacity(), 0);
    }

    #[test]
    fn a_gzip_bomb_is_stopped() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let zeros = vec![0; 1 << 20];
        for _ in 0..=MESSAGE_BYTES_MAX >> 20 {
            encoder.write_all(&zeros).unwrap();
        }
        let body = encoder.finish().unwrap();
        let error = gzip(&body, &mut Vec::new()).unwrap_err();
        assert!(matches!(error, DecodeError::TooLarge { .. }), "{error}");
        assert!(matches!(gzip(b"\x1f\x8b", &mut Vec::new()), Err(DecodeError::Gzip(_))));
    }
}
