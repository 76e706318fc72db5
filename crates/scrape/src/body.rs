//! Takes a body as it comes in, decompresses it, and never holds more than its bound.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use thiserror::Error;
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation as _, OutBuffer};

/// How a body may be compressed, for `Accept-Encoding`.
pub(crate) const ACCEPT_ENCODING: &str = "gzip, zstd";
/// The largest window that a zstd frame may ask for, as a power of two: 8 MiB. The format allows 2 GiB, which a decoder
/// has to allocate before it yields a byte that could be counted.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// How much is decompressed at once, in bytes.
const STEP_BYTES: usize = 64 << 10;

/// Why a body is of no use.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum BodyError {
    #[error("body size limit exceeded: the page has more than {0} bytes")]
    Limit(usize),
    #[error("the page is compressed as {0:?}, which was not asked for")]
    Encoding(String),
    #[error("the compressed page is damaged: {0}")]
    Damaged(String),
    #[error("the compressed page ends too early, or its end is damaged")]
    Truncated,
}

/// A body under way.
pub(crate) struct Body {
    decoder: Coding,
    limit: usize,
}

enum Coding {
    Plain(Sink),
    Gzip(Box<MultiGzDecoder<Sink>>),
    Zstd(Box<Zstd>),
}

struct Zstd {
    decoder: Decoder<'static>,
    sink: Sink,
    step: Vec<u8>,
    /// Whether the last frame is whole.
    complete: bool,
}

/// What was decompressed so far. Refuses more than its limit.
struct Sink {
    bytes: Vec<u8>,
    limit: usize,
    exceeded: bool,
}

impl Write for Sink {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.limit - self.bytes.len() < part.len() {
            self.exceeded = true;
            return Err(io::Error::other("too long"));
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Body {
    /// A body that is compressed as `encoding` says, the `Content-Encoding` header; `memory` is used again.
    pub(crate) fn new(encoding: Option<&str>, limit: usize, mut memory: Vec<u8>) -> Result<Self, BodyError> {
        memory.clear();
        let sink = Sink { bytes: memory, limit, exceeded: false };
        let decoder = match encoding.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Coding::Plain(sink),
            "gzip" | "x-gzip" => Coding::Gzip(Box::new(MultiGzDecoder::new(sink))),
            "zstd" => {
                let mut decoder = Decoder::new().map_err(damaged)?;
                decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX)).map_err(damaged)?;
                Coding::Zstd(Box::new(Zstd { decoder, sink, step: vec![0; STEP_BYTES], complete: true }))
            }
            other => return Err(BodyError::Encoding(other.to_owned())),
        };
        Ok(Self { decoder, limit })
    }

    /// Takes a part of the body as it came over the wire.
    pub(crate) fn push(&mut self, part: &[u8]) -> Result<(), BodyError> {
        let written = match &mut self.decoder {
            Coding::Plain(sink) => sink.write_all(part),
            Coding::Gzip(decoder) => decoder.write_all(part),
            Coding::Zstd(zstd) => zstd.push(part),
        };
        written.map_err(|error| if self.sink().exceeded { BodyError::Limit(self.limit) } else { damaged(error) })
    }

    /// The whole body.
    pub(crate) fn finish(self) -> Result<Vec<u8>, BodyError> {
        let limit = self.limit;
        match self.decoder {
            Coding::Plain(sink) => Ok(sink.bytes),
            Coding::Gzip(mut decoder) => match decoder.try_finish() {
                Ok(()) => decoder.finish().map(|sink| sink.bytes).map_err(damaged),
                Err(_) if decoder.get_ref().exceeded => Err(BodyError::Limit(limit)),
                // The decoder does not tell a checksum that is missing from one that is wrong.
                Err(_) => Err(BodyError::Truncated),
            },
            Coding::Zstd(zstd) if !zstd.complete => Err(BodyError::Truncated),
            Coding::Zstd(zstd) => Ok(zstd.sink.bytes),
        }
    }

    fn sink(&self) -> &Sink {
        match &self.decoder {
            Coding::Plain(sink) => sink,
            Coding::Zstd(zstd) => &zstd.sink,
            Coding::Gzip(decoder) => decoder.get_ref(),
        }
    }
}

impl Zstd {
    fn push(&mut self, part: &[u8]) -> io::Result<()> {
        let mut input = InBuffer::around(part);
        loop {
            let mut output = OutBuffer::around(self.step.as_mut_slice());
            // How much the decoder would like next: nothing at the end of a frame.
            let wanted = self.decoder.run(&mut input, &mut output)?;
            let filled = output.pos();
            self.complete = wanted == 0;
            self.sink.write_all(&self.step[..filled])?;
            // A full step may have more behind it even if all input is taken.
            if input.pos() == part.len() && filled < STEP_BYTES {
                return Ok(());
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn damaged(error: io::Error) -> BodyError {
    BodyError::Damaged(error.to_string())
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        zstd::encode_all(text, 3).unwrap()
    }

    fn read(encoding: &str, limit: usize, wire: &[u8]) -> Result<Vec<u8>, BodyError> {
        // In small parts, as they may come in.
        let mut body = Body::new(Some(encoding), limit, Vec::new())?;
        for part in wire.chunks(7) {
            body.push(part)?;
        }
        body.finish()
    }

    #[test]
    fn each_coding_gives_the_same_page() {
        let page: Vec<u8> = (0..20_000_u32).flat_map(|n| format!("a{{n=\"{n}\"}} {n}\n").into_bytes()).collect();
        for (encoding, wire) in [
            ("", page.clone()),
            ("identity", page.clone()),
            ("gzip", gzip(&page)),
            ("GZIP", gzip(&page)),
            ("gzip", [gzip(&page[..1_000]), gzip(&page[1_000..])].concat()),
            ("zstd", zstd(&page)),
            ("zstd", [zstd(&page[..1_000]), zstd(&page[1_000..])].concat()),
        ] {
            assert!(read(encoding, page.len(), &wire) == Ok(page.clone()), "{encoding}");
            assert_eq!(read(encoding, page.len() - 1, &wire), Err(BodyError::Limit(page.len() - 1)), "{encoding}");
        }
    }

    #[test]
    fn what_is_cut_or_damaged_is_refused() {
        let page = "a 1\n".repeat(1_000);
        for (encoding, wire) in [("gzip", gzip(page.as_bytes())), ("zstd", zstd(page.as_bytes()))] {
            for cut in [wire.len() / 2, wire.len() - 1] {
                assert_eq!(read(encoding, 1 << 20, &wire[..cut]), Err(BodyError::Truncated), "{encoding} {cut}");
            }
            let refused = read(encoding, 1 << 20, b"no compressed page at all").unwrap_err();
            assert!(matches!(refused, BodyError::Damaged(_)), "{encoding} {refused}");
        }
        assert_eq!(read("br", 1, b""), Err(BodyError::Encoding("br".to_owned())));
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let limit = 1 << 16;
        for (encoding, wire) in [("gzip", gzip(&vec![b' '; 4 << 20])), ("zstd", zstd(&vec![b' '; 4 << 20]))] {
            let mut body = Body::new(Some(encoding), limit, Vec::new()).unwrap();
            assert_eq!(body.push(&wire), Err(BodyError::Limit(limit)), "{encoding}");
            assert!(body.sink().bytes.capacity() <= 2 * limit, "{encoding}");
        }
    }

    #[test]
    fn a_window_of_gigabytes_is_refused() {
        // A frame header (RFC 8878 section 3.1.1) without a content size: magic, descriptor, a window of 2 GiB.
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00];
        let refused = read("zstd", 1 << 30, &frame).unwrap_err();
        assert!(matches!(refused, BodyError::Damaged(_)), "{refused}");
    }
}
