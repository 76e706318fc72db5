//! Pages and APIs over HTTP; must not know tsdb.
//!
//! Routes are one list in `router.rs`. `api/` speaks Prometheus' HTTP API, `pages/` is for people, `guard/` is what
//! every request passes first, `listen.rs` is the socket.

pub mod api;
mod exporter;
mod facts;
mod found;
mod guard;
mod listen;
mod pages;
mod query;
mod router;
mod state;

pub use exporter::{Exported, exporter_router};
pub use facts::{Facts, InForce, StoreFacts};
pub use found::{DecideError, Decided, Decision, FoundTargets};
pub use guard::host::HostRules;
pub use listen::{ListenError, bind, serve};
pub use query::{Overrides, Queries, Ran, RunError, When};
pub use router::router;
pub use state::{BuildInfo, Lifecycle, ReloadError, State};
