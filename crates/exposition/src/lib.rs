//! Parses and writes the text that exporters speak; must not know HTTP.
