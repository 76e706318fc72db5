//! A frame of columns to SVG, pure and deterministic; must not know queries or HTTP.
