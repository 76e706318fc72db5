//! Values that are whole numbers of a power of ten, as what is left of them when the foreseeable is taken away.
//!
//! ```text
//! ints   = digits u8 | form u8 | base if form & 16 | exceptions if form & 4 | divisor varint if form & 8 | first zigzag
//!          | second step zigzag if differences of differences | centre zigzag | residuals (packed.rs, rice.rs, sparse.rs)
//! form   = 0 distances from the first, 1 differences, 2 differences of differences, plus the flags above
//! exceptions = count varint | (distance varint | bits u64)*       values that are no numbers; they repeat the one before
//! base   = place varint | weight zigzag      a share of each step of another chunk is taken away first (share.rs)
//! ```
//! All whole numbers are those of `10^-digits`; steps are divided by the divisor, and the centre is taken from residuals.

use super::share::{self, Base};
use super::whole::{DIGITS_MAX, digits_of, value_of, whole_of, zigzag};
use super::{Codec, packed, rice, sparse};
use crate::bytes::{Reader, put_varint};

const FORM_FIRST: u8 = 0;
const FORM_STEPS: u8 = 1;
const FORM_STEPS_OF_STEPS: u8 = 2;
const FORM_BITS: u8 = 3;
const HAS_EXCEPTIONS: u8 = 4;
const HAS_DIVISOR: u8 = 8;
const HAS_BASE: u8 = 16;
/// What is left of a whole number when a share is taken away stays below this.
const LEFT_MAX: u64 = 1 << 60;
/// One value in this many may be an exception; a chunk with more is left to another codec.
const EXCEPTION_SHARE: usize = 8;
/// With this share of zeros, in percent, the centre stays 0: zeros are what is cheap then.
const ZEROS_PERCENT: usize = 10;

/// Buffers of the encoder, kept from chunk to chunk.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    wholes: Vec<i64>,
    exceptions: Vec<(usize, u64)>,
    residuals: Vec<i64>,
    best_residuals: Vec<i64>,
    folded: Vec<u64>,
    candidate: Vec<u8>,
}

impl Scratch {
    /// Makes room for other whole numbers, none of which is an exception.
    pub(super) fn begin(&mut self) {
        self.wholes.clear();
        self.exceptions.clear();
    }

    /// Adds a whole number.
    pub(super) fn push(&mut self, whole: i64) {
        self.wholes.push(whole);
    }

    /// Takes a share of the base's steps away; the weight, or `None` and nothing has changed.
    fn take_share(&mut self, base: Base<'_>) -> Option<i64> {
        let weight = share::weight(&self.wholes, base.values)?;
        let shares = share::shares(weight, base.values);
        let left = self.wholes.iter().zip(shares).map(|(whole, share)| whole.checked_sub(share));
        self.residuals.clear();
        for left in left {
            self.residuals.push(left.filter(|left| left.unsigned_abs() < LEFT_MAX)?);
        }
        std::mem::swap(&mut self.wholes, &mut self.residuals);
        Some(weight)
    }
}

/// Encodes into `out`, which is empty; the codec, and how many digits. `None` if the values are no decimals.
///
/// In haste only differences in blocks are tried: for chunks that are written again soon.
pub(super) fn encode(
    values: &[f64],
    base: Option<Base<'_>>,
    scratch: &mut Scratch,
    in_haste: bool,
    out: &mut Vec<u8>,
) -> Option<(Codec, u8)> {
    let digits = split(values, scratch)?;
    Some((put(digits, base, scratch, in_haste, out), digits))
}

/// Appends the whole numbers and exceptions that `scratch` has; the codec.
pub(super) fn put(
    digits: u8,
    base: Option<Base<'_>>,
    scratch: &mut Scratch,
    in_haste: bool,
    out: &mut Vec<u8>,
) -> Codec {
    let base = base.and_then(|base| Some((base.place, scratch.take_share(base)?)));
    let wholes = &mut scratch.wholes;
    let first = wholes[0];
    let divisor = if in_haste { 1 } else { divisor(wholes) };
    for whole in wholes.iter_mut() {
        *whole = (*whole - first) / divisor;
    }
    let mut form = FORM_STEPS;
    let mut centre = 0;
    if in_haste {
        steps(wholes, &mut scratch.residuals);
    } else {
        let mut best_cost = f64::INFINITY;
        for candidate in [FORM_FIRST, FORM_STEPS, FORM_STEPS_OF_STEPS] {
            residuals(candidate, wholes, &mut scratch.residuals);
            let middle = take_centre(&mut scratch.residuals, &mut scratch.folded);
            let cost = cost_bits(&scratch.residuals);
            if cost < best_cost {
                best_cost = cost;
                (form, centre) = (candidate, middle);
                std::mem::swap(&mut scratch.residuals, &mut scratch.best_residuals);
            }
        }
        std::mem::swap(&mut scratch.residuals, &mut scratch.best_residuals);
    }

    out.push(digits);
    let flag = |is: bool, flag: u8| if is { flag } else { 0 };
    let has_exceptions = !scratch.exceptions.is_empty();
    out.push(
        form | flag(has_exceptions, HAS_EXCEPTIONS) | flag(divisor != 1, HAS_DIVISOR) | flag(base.is_some(), HAS_BASE),
    );
    if let Some((place, weight)) = base {
        put_varint(out, place);
        put_varint(out, zigzag(weight));
    }
    if has_exceptions {
        put_varint(out, scratch.exceptions.len() as u64);
        let mut next = 0;
        for (place, bits) in &scratch.exceptions {
            put_varint(out, (place - next) as u64);
            out.extend_from_slice(&bits.to_le_bytes());
            next = place + 1;
        }
    }
    if divisor != 1 {
        put_varint(out, divisor.cast_unsigned());
    }
    put_varint(out, zigzag(first));
    if form == FORM_STEPS_OF_STEPS {
        put_varint(out, zigzag(scratch.wholes.get(1).copied().unwrap_or(0)));
    }
    put_varint(out, zigzag(centre));

    let residuals = &scratch.residuals;
    let head = out.len();
    packed::encode(residuals, out);
    let mut codec = Codec::Packed;
    if !in_haste {
        for other in [Codec::Rice, Codec::Sparse] {
            let candidate = &mut scratch.candidate;
            candidate.clear();
            match other {
                Codec::Rice => rice::encode(residuals, candidate, &mut scratch.folded),
                _ => sparse::encode(residuals, candidate, &mut scratch.folded),
            }
            if candidate.len() < out.len() - head {
                out.truncate(head);
                out.extend_from_slice(candidate);
                codec = other;
            }
        }
    }
    codec
}

/// The place of the base that the chunk needs, if it needs one.
pub(super) fn base_of(bytes: &[u8]) -> Option<u64> {
    let mut reader = Reader::new(bytes);
    let _digits = reader.byte()?;
    if reader.byte()? & HAS_BASE == 0 { None } else { reader.varint() }
}

/// Appends `count` values; `base` are the values of the base, if there is one.
pub(super) fn decode(codec: Codec, bytes: &[u8], count: usize, base: &[f64], out: &mut Vec<f64>) -> Option<()> {
    let mut reader = Reader::new(bytes);
    let digits = reader.byte().filter(|digits| *digits <= DIGITS_MAX)?;
    let form = reader.byte()?;
    let mut weight = None;
    if form & HAS_BASE != 0 {
        let _place = reader.varint()?;
        weight = Some(reader.signed()?);
        if base.len() != count {
            return None;
        }
    }
    let mut exceptions = Vec::new();
    if form & HAS_EXCEPTIONS != 0 {
        let mut place = 0usize;
        for _ in 0..reader.count()? {
            place = place.checked_add(usize::try_from(reader.varint()?).ok()?).filter(|place| *place < count)?;
            exceptions.push((place, f64::from_bits(reader.u64()?)));
            place += 1;
        }
    }
    let divisor = if form & HAS_DIVISOR == 0 { 1 } else { reader.varint()?.cast_signed() };
    let first = reader.signed()?;
    let form = form & FORM_BITS;
    let second = if form == FORM_STEPS_OF_STEPS { reader.signed()? } else { 0 };
    let centre = reader.signed()?;
    let stored = count - if form == FORM_STEPS_OF_STEPS { count.min(2) } else { count.min(1) };
    let mut residuals = Vec::with_capacity(stored);
    match codec {
        Codec::Packed => packed::decode(reader.rest, stored, &mut residuals)?,
        Codec::Rice => rice::decode(reader.rest, stored, &mut residuals)?,
        Codec::Sparse => sparse::decode(reader.rest, stored, &mut residuals)?,
        _ => return None,
    }

    let mut steps = Vec::with_capacity(count);
    steps.push(0);
    let mut at = 0i64;
    match form {
        FORM_FIRST => steps.extend(residuals.iter().map(|residual| residual.wrapping_add(centre))),
        FORM_STEPS => steps.extend(residuals.iter().map(|residual| {
            at = at.wrapping_add(residual.wrapping_add(centre));
            at
        })),
        FORM_STEPS_OF_STEPS => {
            let mut step = second;
            if 1 < count {
                at = step;
                steps.push(at);
            }
            steps.extend(residuals.iter().map(|residual| {
                step = step.wrapping_add(residual.wrapping_add(centre));
                at = at.wrapping_add(step);
                at
            }));
        }
        _ => return None,
    }
    let start = out.len();
    let whole = |steps: &i64| first.wrapping_add(steps.wrapping_mul(divisor));
    match weight {
        None => out.extend(steps.iter().map(|steps| value_of(whole(steps), digits))),
        Some(weight) => {
            let shares = share::shares(weight, base);
            out.extend(steps.iter().zip(shares).map(|(steps, owed)| value_of(whole(steps).wrapping_add(owed), digits)));
        }
    }
    for (place, value) in exceptions {
        out[start + place] = value;
    }
    Some(())
}

/// Finds the digits and fills wholes and exceptions.
fn split(values: &[f64], scratch: &mut Scratch) -> Option<u8> {
    let Scratch { wholes, exceptions, .. } = scratch;
    exceptions.clear();
    let is_number = |value: f64| value.is_finite() && value.to_bits() != (-0.0f64).to_bits();
    let mut digits = 0;
    for (place, value) in values.iter().enumerate() {
        if is_number(*value) {
            if whole_of(*value, digits).is_none() {
                digits = digits_of(*value, digits, DIGITS_MAX)?;
            }
        } else {
            exceptions.push((place, value.to_bits()));
            if values.len() < exceptions.len() * EXCEPTION_SHARE {
                return None;
            }
        }
    }
    let mut before = values.iter().find(|value| is_number(**value)).and_then(|value| whole_of(*value, digits))?;
    wholes.clear();
    for value in values {
        if is_number(*value) {
            before = whole_of(*value, digits)?;
        }
        wholes.push(before);
    }
    Some(digits)
}

/// The greatest common divisor of the steps, 1 if nothing moves.
fn divisor(wholes: &[i64]) -> i64 {
    let mut common = 0u64;
    for pair in wholes.windows(2) {
        let (mut a, mut b) = (common, (pair[1] - pair[0]).unsigned_abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        common = a;
        if common == 1 {
            break;
        }
    }
    common.max(1).cast_signed()
}

fn residuals(form: u8, wholes: &[i64], out: &mut Vec<i64>) {
    match form {
        FORM_FIRST => {
            out.clear();
            out.extend_from_slice(&wholes[1..]);
        }
        FORM_STEPS => steps(wholes, out),
        _ => {
            out.clear();
            out.extend(wholes.windows(3).map(|three| (three[2] - three[1]) - (three[1] - three[0])));
        }
    }
}

fn steps(wholes: &[i64], out: &mut Vec<i64>) {
    out.clear();
    out.extend(wholes.windows(2).map(|pair| pair[1] - pair[0]));
}

/// Takes the median from each, and returns it.
fn take_centre(residuals: &mut [i64], folded: &mut Vec<u64>) -> i64 {
    let zeros = residuals.iter().filter(|residual| **residual == 0).count();
    if residuals.is_empty() || residuals.len() * ZEROS_PERCENT <= zeros * 100 {
        return 0;
    }
    folded.clear();
    // With the sign flipped the order is that of the signed numbers.
    folded.extend(residuals.iter().map(|residual| (residual ^ i64::MIN).cast_unsigned()));
    let middle = folded.len() / 2;
    let centre = folded.select_nth_unstable(middle).1.cast_signed() ^ i64::MIN;
    for residual in residuals {
        *residual -= centre;
    }
    centre
}

/// About how many bits the residuals take: the entropy of their lengths, and all bits below the highest.
fn cost_bits(residuals: &[i64]) -> f64 {
    let mut lengths = [0u32; 65];
    for residual in residuals {
        lengths[(64 - zigzag(*residual).leading_zeros()) as usize] += 1;
    }
    let total = residuals.len() as f64;
    let of_length = |(length, count): (usize, &u32)| {
        let count = f64::from(*count);
        count * ((total / count).log2() + length.saturating_sub(1) as f64)
    };
    lengths.iter().enumerate().filter(|(_, count)| 0 < **count).map(of_length).sum()
}
