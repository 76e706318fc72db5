//! A libnvidia-ml.so whose answers come from a scenario file.
