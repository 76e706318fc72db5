//! YAML to each subsystem's own plain config type; no subsystem names it.
