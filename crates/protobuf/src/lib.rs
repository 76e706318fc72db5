//! Protobuf's wire format, walked field by field without building a tree
//! (protobuf.dev/programming-guides/encoding); must not know any message.

use thiserror::Error;

/// Why bytes are no protobuf message.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Damaged(pub &'static str);

/// A field of a message.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Which one it is in its message.
    pub number: u64,
    /// What it holds.
    pub value: Value<'a>,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// A whole number.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// A text, a message, or numbers packed.
    Bytes(&'a [u8]),
    /// Four bytes, which nobody here needs.
    Fixed32,
}

impl Value<'_> {
    /// An `int64`, or any other whole number that is not zigzag.
    pub const fn int(self) -> i64 {
        match self {
            Self::Varint(bits) | Self::Fixed64(bits) => bits.cast_signed(),
            Self::Fixed32 | Self::Bytes(_) => 0,
        }
    }

    /// A `double`.
    pub const fn double(self) -> f64 {
        match self {
            Self::Fixed64(bits) => f64::from_bits(bits),
            Self::Varint(_) | Self::Fixed32 | Self::Bytes(_) => 0.0,
        }
    }

    /// A `sint32` or `sint64`.
    pub const fn zigzag(self) -> i64 {
        match self {
            Self::Varint(bits) => unzigzag(bits),
            Self::Fixed64(_) | Self::Fixed32 | Self::Bytes(_) => 0,
        }
    }
}

/// Walks the fields of a message.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    /// What was not read yet.
    pub rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// At the start of a message.
    pub const fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The next field, `None` at the end.
    ///
    /// # Errors
    /// What follows is no field.
    #[expect(clippy::should_implement_trait, reason = "an error inside an Option is harder to pass on with ?")]
    #[inline]
    pub fn next(&mut self) -> Result<Option<Field<'a>>, Damaged> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(*self.array()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_cause| Damaged("a length is too large"))?;
                Value::Bytes(self.take(length)?)
            }
            5 => {
                self.take(4)?;
                Value::Fixed32
            }
            _ => return Err(Damaged("unknown wire type")),
        };
        Ok(Some(Field { number: key >> 3, value }))
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Damaged> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Damaged("a number is cut off"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next bytes, whatever they are.
    ///
    /// # Errors
    /// There are not that many.
    #[inline]
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Damaged("a field is cut off"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// A whole number that stands outside of any field, such as the length in front of a message.
    ///
    /// # Errors
    /// It does not end.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, Damaged> {
        if let [byte @ 0..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        let mut value = 0u64;
        for (position, byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * position);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[position + 1..];
                return Ok(value);
            }
        }
        Err(Damaged("a number does not end"))
    }
}

/// Appends the numbers of a repeated field, which is either one number or all of them packed; `read` turns one into
/// what is wanted.
///
/// # Errors
/// A packed number does not end.
pub fn repeated<T>(value: Value<'_>, out: &mut Vec<T>, read: impl Fn(u64) -> T) -> Result<(), Damaged> {
    match value {
        Value::Varint(bits) | Value::Fixed64(bits) => out.push(read(bits)),
        Value::Bytes(packed) => {
            let mut fields = Fields::new(packed);
            while !fields.rest.is_empty() {
                out.push(read(fields.varint()?));
            }
        }
        Value::Fixed32 => {}
    }
    Ok(())
}

/// The same for numbers of 64 bits each.
///
/// # Errors
/// A packed number is cut off.
pub fn repeated_fixed<T>(value: Value<'_>, out: &mut Vec<T>, read: impl Fn(u64) -> T) -> Result<(), Damaged> {
    let Value::Bytes(packed) = value else { return repeated(value, out, read) };
    let (numbers, rest) = packed.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(Damaged("a number is cut off"));
    }
    out.extend(numbers.iter().map(|bytes| read(u64::from_le_bytes(*bytes))));
    Ok(())
}

/// The number behind a `sint64`.
pub const fn unzigzag(bits: u64) -> i64 {
    (bits >> 1).cast_signed() ^ -((bits & 1).cast_signed())
}

/// Appends a field that holds bytes.
#[inline]
pub fn put_bytes(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a whole number.
#[inline]
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while 0x7f < value {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// How many bytes a whole number takes.
pub const fn varint_len(value: u64) -> usize {
    ((63 - (value | 1).leading_zeros() as usize) * 9 + 73) / 64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_survive(value: u64) {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            prop_assert_eq!(out.len(), varint_len(value));
            let mut fields = Fields::new(&out);
            prop_assert_eq!(fields.varint(), Ok(value));
            prop_assert!(fields.rest.is_empty());
        }
    }

    #[test]
    fn signed_numbers_alternate() {
        assert_eq!([0, 1, 2, 3, u64::MAX, u64::MAX - 1].map(unzigzag), [0, -1, 1, -2, i64::MIN, i64::MAX]);
    }

    #[test]
    fn damage_is_named() {
        let check = |bytes: &[u8], expected| {
            let mut fields = Fields::new(bytes);
            let error = loop {
                match fields.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => break None,
                    Err(Damaged(error)) => break Some(error),
                }
            };
            assert_eq!(error, expected, "{bytes:?}");
        };
        check(b"\x0a\x01x", None);
        check(b"\x0a\x05x", Some("a field is cut off"));
        check(b"\x09\x05", Some("a number is cut off"));
        check(b"\x0b", Some("unknown wire type"));
        check(&[0xff; 11], Some("a number does not end"));
        check(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", Some("a field is cut off"));
    }
}
