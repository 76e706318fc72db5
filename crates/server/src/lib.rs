//! Pages and APIs over HTTP; must not know tsdb.
