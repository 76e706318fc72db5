//! Alertmanager's brain: routes, groups, deduplication; takes the time, returns values and the records to make durable;
//! must not know SMTP, HTTP or disk.
//!
//! [`Dispatcher`] is the whole of it as one value: alerts go in by [`Dispatcher::receive`], [`Dispatcher::next_due`] says
//! when to ask again, [`Dispatcher::due`] returns what is to be sent, and [`Dispatcher::outcome`] takes what became of it.

mod alert_group;
mod alert_store;
mod config;
mod dispatcher;
mod fingerprint;
pub mod matchers;
mod notification;
mod notification_log;
mod routes;
mod view;

pub use config::{Config, GroupBy, Integration, Receiver, Route};
pub use dispatcher::{ALERTS_MAX, Dispatcher, Due, IN_FLIGHT_MAX, Outcome, Received};
pub use fingerprint::fingerprint;
pub use matchers::{MatcherError, parse_matchers};
pub use notification::{AlertStatus, Notification, NotificationId, NotifiedAlert, Reason};
pub use notification_log::{LogRecord, RETENTION_MS};
pub use routes::{ResolvedRoute, Routes};
pub use view::{AlertView, GroupView};
