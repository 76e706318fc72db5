//! One HTTP client and one trust store for all who call out; must not know who calls.
