//! The message's fields, walked without building a tree: most of a request are labels that were seen before.

use model::Labels;
use thiserror::Error;

/// A request is refused if it says that it is larger than this after decompression, in bytes.
pub(crate) const MESSAGE_BYTES_MAX: usize = 128 << 20;

/// Why a body is no remote write request.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// The compression is damaged.
    #[error("snappy: {0}")]
    Snappy(#[from] snap::Error),
    /// It would be too large.
    #[error("the request has {bytes} bytes, more than the {MESSAGE_BYTES_MAX} that are taken")]
    TooLarge {
        /// Its size after decompression.
        bytes: usize,
    },
    /// The protobuf is damaged.
    #[error("protobuf: {0}")]
    Protobuf(&'static str),
    /// A series has labels that cannot be.
    #[error("invalid labels: {0}")]
    Labels(String),
}

/// A field of a message.
pub(crate) struct Field<'a> {
    pub(crate) number: u64,
    pub(crate) value: FieldValue<'a>,
}

pub(crate) enum FieldValue<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32,
}

/// Walks the fields of a message (protobuf.dev/programming-guides/encoding).
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) const fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    pub(crate) fn next(&mut self) -> Result<Option<Field<'a>>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => FieldValue::Varint(self.varint()?),
            1 => FieldValue::Fixed64(u64::from_le_bytes(
                self.take(8)?.try_into().map_err(|_cause| DecodeError::Protobuf("a number is cut off"))?,
            )),
            2 => {
                let length =
                    usize::try_from(self.varint()?).map_err(|_cause| DecodeError::Protobuf("a length is too large"))?;
                FieldValue::Bytes(self.take(length)?)
            }
            5 => {
                self.take(4)?;
                FieldValue::Fixed32
            }
            _ => return Err(DecodeError::Protobuf("unknown wire type")),
        };
        Ok(Some(Field { number: key >> 3, value }))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Protobuf("a field is cut off"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for (position, byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * position);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[position + 1..];
                return Ok(value);
            }
        }
        Err(DecodeError::Protobuf("a number does not end"))
    }
}

/// Decompresses into `buffer`; the size that the body claims is looked at before any memory is taken.
pub(crate) fn decompress<'a>(body: &[u8], buffer: &'a mut Vec<u8>) -> Result<&'a [u8], DecodeError> {
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

/// A label set from the `Label` messages of a series.
pub(crate) fn labels(messages: &[&[u8]]) -> Result<Labels, DecodeError> {
    let mut pairs = Vec::with_capacity(messages.len());
    for message in messages {
        let (mut name, mut value) = ("", "");
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            let FieldValue::Bytes(bytes) = field.value else { continue };
            let text = std::str::from_utf8(bytes).map_err(|_cause| DecodeError::Labels("not UTF-8".to_owned()))?;
            match field.number {
                1 => name = text,
                2 => value = text,
                _ => {}
            }
        }
        if name.is_empty() {
            return Err(DecodeError::Labels("a label without a name".to_owned()));
        }
        pairs.push((name, value));
    }
    pairs.sort_unstable();
    if let Some(pair) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(DecodeError::Labels(format!("label {:?} stands twice in a series", pair[0].0)));
    }
    let labels = Labels::from_pairs(pairs);
    if labels.metric_name().is_empty() {
        return Err(DecodeError::Labels(format!("{labels} has no metric name")));
    }
    Ok(labels)
}
