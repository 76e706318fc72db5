//! Alertmanager's brain: routes, groups, deduplication; takes the time, returns values; must not know SMTP, HTTP or disk.
