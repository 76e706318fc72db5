//! Decompression with a bound on what comes out.

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

#[cfg(test)]
mod tests {
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
}
