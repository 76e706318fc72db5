//! Samples on disk: WAL, head, segments; must not know PromQL, HTTP or sled.
