//! Alertmanager's brain: routes, groups, deduplication; takes the time, returns values; must not know SMTP, HTTP or disk.

mod dispatcher;
mod matchers;
mod notification;
mod route;

pub use dispatcher::{AlertView, Dispatcher};
pub use matchers::{MatcherError, parse_matchers};
pub use notification::{LogRecord, Notification, Reason};
pub use route::{Config, GroupBy, Integration, Receiver, Route};
