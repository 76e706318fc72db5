//! What became of the last notifications, for people to look at.

use std::collections::VecDeque;

use alerting::Reason;
use model::Timestamp;

/// Deliveries that are remembered.
const DELIVERIES_MAX: usize = 200;

/// What became of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Whom.
    pub receiver: String,
    /// When it was decided.
    pub at: Timestamp,
    /// When it was sent, or given up.
    pub ended_at: Timestamp,
    /// Why it was to be sent.
    pub reason: Reason,
    /// What the mail's subject says.
    pub subject: String,
    /// How many alerts it tells of.
    pub alert_count: usize,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it was not sent, if it was not.
    pub error: Option<String>,
}

/// The last deliveries, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Deliveries(VecDeque<Delivery>);

impl Deliveries {
    pub(crate) fn push(&mut self, delivery: Delivery) {
        if DELIVERIES_MAX <= self.0.len() {
            self.0.pop_front();
        }
        self.0.push_back(delivery);
    }

    pub(crate) fn to_vec(&self) -> Vec<Delivery> {
        self.0.iter().cloned().collect()
    }
}
