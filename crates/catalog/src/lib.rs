//! The database: named trees, atomic batches, durable on Ok; must not know what the trees mean.
//!
//! Behind it is sled, which survives kill -9 but not damaged bytes: it then panics, or opens empty and says nothing. So
//! a tree is either *rebuilt* by its owner from elsewhere when it is missing, or *journaled*: every change goes first to
//! `state.log`, which this crate replays at start, and which wins over sled.

mod batch;
mod catalog;
mod journal;

pub use batch::Batch;
pub use catalog::{Catalog, Entry, Error, OpenReport};
