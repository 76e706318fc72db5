//! What a failing target's loop tells people, and how often it looks around for that.

use std::collections::BTreeMap;

use model::Timestamp;
use url::Url;

use crate::common::Common;
use crate::hint::{self, Trouble};
use crate::probe;

/// What was said of a trouble is said again without looking for this long, in milliseconds.
const KEPT_MS: i64 = 3_600_000;

/// For each trouble of a target, when its surroundings were looked at and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Advice(BTreeMap<Trouble, (Timestamp, Option<String>)>);

impl Advice {
    /// What is probably wrong with the target at `url`; looks around once an hour at most for each kind of trouble.
    pub(crate) async fn on(&mut self, trouble: Trouble, url: &Url, at: Timestamp, common: &Common) -> Option<String> {
        if let Some((looked, hint)) = self.0.get(&trouble)
            && at.as_ms() - looked.as_ms() < KEPT_MS
        {
            return hint.clone();
        }
        let here = url.host_str().is_some_and(|host| common.machine.is_here(host));
        let sightings = if here {
            let mut taken = common.ports_here.lock().clone();
            taken.insert(common.machine.port);
            probe::around(trouble, url, &taken).await
        } else {
            Vec::new()
        };
        let hint = hint::hint(trouble, url, here, &sightings);
        self.0.insert(trouble, (at, hint.clone()));
        hint
    }
}
