//! Model servers and exporters that listen on this machine and that nobody configured.
//!
//! Passive first: procfs tells who listens. Then, and only where the command line or the port speaks for a server of
//! metrics, that one page is asked for, once. A GET can have side effects, so nobody else is ever asked; that is why
//! what is asked is decided in one pure function, [`verdict::of`].

mod listeners;
mod memory;
mod namespaces;
mod page;
mod probe;
mod program;
mod redact;
mod targets;
mod verdict;

use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::time::MissedTickBehavior;

use crate::publish::Publisher;
use crate::{Context, LocalConfig, refresh};
use listeners::{Listener, Procfs};
use memory::Memory;

pub(crate) use memory::Asked;

/// Pages that are asked for at the same time.
const PROBES_CONCURRENT_MAX: usize = 8;

/// Looks at the listeners, for ever.
pub(crate) async fn run(config: LocalConfig, context: &Context, publisher: &Publisher) {
    let mut ticks = tokio::time::interval(refresh::interval(config.refresh_interval_ms));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut procfs = Procfs::new(config.procfs.clone());
    let mut memory = Memory::new(config, Arc::clone(&context.asked));
    loop {
        ticks.tick().await;
        let looked = tokio::task::spawn_blocking(move || {
            let listeners = procfs.listeners();
            (procfs, listeners)
        });
        // The task is only cancelled when the runtime ends.
        let Ok((back, listeners)) = looked.await else { return };
        procfs = back;
        match listeners {
            Ok(listeners) => {
                look(&mut memory, listeners, context, publisher).await;
            }
            Err(error) => publisher.failure(error),
        }
    }
}

/// One look: takes the listeners in, and asks those whose turn it is. What answers is told at once; one that does not
/// holds nobody up.
async fn look(memory: &mut Memory, listeners: Vec<Listener>, context: &Context, publisher: &Publisher) {
    let due = memory.take(listeners, context.clock.now_ms());
    if due.is_empty() {
        tell(memory, publisher);
    }
    let user_agent = context.user_agent.as_str();
    let asked = due.into_iter().map(|(key, addresses)| async move { (key, probe::ask(&addresses, user_agent).await) });
    let mut answers = futures_util::stream::iter(asked).buffer_unordered(PROBES_CONCURRENT_MAX);
    while let Some((key, outcome)) = answers.next().await {
        memory.learn(&key, outcome, context.clock.now_ms());
        tell(memory, publisher);
    }
}

fn tell(memory: &Memory, publisher: &Publisher) {
    let (groups, notes) = memory.found();
    publisher.partly(groups, None, notes);
}
