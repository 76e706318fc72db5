//! The traits between those who write samples, those who keep them and those who ask; must not know how bytes lie on
//! disk.

mod append;
mod memory;
mod query;

pub use append::{
    AppendError, Appended, Appender, Batch, ExemplarRow, GroupId, HistogramRow, Refusal, Rejected, Row, SeriesId,
};
pub use memory::MemoryStorage;
pub use query::{QueryError, Queryable, Select, SeriesColumns, SeriesExemplars};

/// Both sides of a store.
pub trait Storage: Appender + Queryable {}

impl<T: Appender + Queryable> Storage for T {}
