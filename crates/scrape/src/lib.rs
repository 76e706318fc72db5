//! Target pools and scrape loops; must not know tsdb.
