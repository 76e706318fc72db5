//! GPU metrics under DCGM's names, sampled through NVML on a thread of its own; must not know scrape.
