//! Logs and the program's own metrics; knows nothing of what it counts.
