//! Changes that happen together or not at all.

/// One change: a key's new value, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) tree: String,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Option<Vec<u8>>,
}

/// Changes that happen together or not at all, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    pub(crate) changes: Vec<Change>,
}

impl Batch {
    /// Without changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives `key` a value.
    pub fn put(&mut self, tree: &str, key: &[u8], value: &[u8]) -> &mut Self {
        self.changes.push(Change { tree: tree.to_owned(), key: key.to_vec(), value: Some(value.to_vec()) });
        self
    }

    /// Removes `key`.
    pub fn remove(&mut self, tree: &str, key: &[u8]) -> &mut Self {
        self.changes.push(Change { tree: tree.to_owned(), key: key.to_vec(), value: None });
        self
    }
}
