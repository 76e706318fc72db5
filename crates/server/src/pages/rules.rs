//! `/rules`: each rule, its health, and how long it takes.
