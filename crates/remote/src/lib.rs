//! Remote write in; must not know HTTP servers.
