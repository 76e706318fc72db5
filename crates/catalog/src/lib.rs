//! The database: named trees, atomic batches, durable on Ok; must not know what the trees mean.
