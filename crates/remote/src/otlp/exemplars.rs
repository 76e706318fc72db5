//! Exemplars of OTLP's points.

use model::{Exemplar, Labels, Timestamp};

use super::attributes::{self, hex};
use super::points::to_ms;
use protobuf::{Damaged, Fields, Value};

/// Characters that the labels of an exemplar may have; attributes that would make it more are left out.
const CHARACTERS_MAX: usize = 128;

/// Reads an `Exemplar`.
pub(crate) fn read(message: &[u8]) -> Result<Exemplar, Damaged> {
    let (mut value, mut at) = (0.0, Timestamp::default());
    let mut ids = Vec::new();
    let mut filtered = Vec::new();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (2, nanoseconds) => at = to_ms(nanoseconds),
            (3, number) => value = number.double(),
            #[expect(clippy::cast_precision_loss, reason = "Prometheus' values are floating")]
            (6, number) => value = number.int() as f64,
            (4, Value::Bytes(id)) if id.iter().any(|byte| *byte != 0) => ids.push(("span_id".to_owned(), hex(id))),
            (5, Value::Bytes(id)) if id.iter().any(|byte| *byte != 0) => ids.push(("trace_id".to_owned(), hex(id))),
            (7, Value::Bytes(attribute)) => filtered.push(attributes::read(attribute)?),
            _ => {}
        }
    }
    let characters = ids.iter().chain(&filtered).map(|(name, value)| name.chars().count() + value.chars().count());
    if CHARACTERS_MAX < characters.sum() {
        filtered.clear();
    }
    filtered.retain(|(name, _)| !name.is_empty());
    Ok(Exemplar { labels: Labels::from_pairs(filtered.into_iter().chain(ids)), value, at })
}
