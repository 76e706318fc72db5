//! Host metrics under node_exporter's names, read from /proc and /sys; must not know scrape.
