//! Receivers: what turns a notification into a mail; must not know rules.
