//! Remembers, for one target, who answers and when the target itself is asked again.

use model::Timestamp;

use crate::source::Program;
use crate::stand_in::{Absence, Answer, Entry, Place, after_asking, ask_again};

/// Who answers for a target.
#[derive(Debug, Default)]
pub(crate) struct Relief {
    answer: Answer,
    /// Scrapes without a connection in a row.
    refusals: u32,
    /// Since the built-in collector answers: when the target was asked last, why it did not answer, and how many scrapes
    /// the collector has answered.
    since: Option<(Timestamp, String)>,
    scrapes: u32,
}

impl Relief {
    pub(crate) const fn answer(&self) -> Answer {
        self.answer
    }

    /// Whether the built-in collector answers this scrape too, without the target being asked: then why the target did
    /// not answer when it was.
    pub(crate) fn goes_on(&mut self, at: Timestamp) -> Option<String> {
        let (asked_at, failure) = self.since.as_ref().filter(|_| self.answer == Answer::BuiltIn)?;
        if ask_again(self.scrapes, at.as_ms() - asked_at.as_ms()) {
            return None;
        }
        self.scrapes += 1;
        Some(failure.clone())
    }

    /// The target itself was asked.
    pub(crate) fn asked(&mut self, place: Place, failure: Option<&(Absence, String)>, at: Timestamp) {
        let absence = failure.map(|(absence, _)| *absence);
        self.refusals = match absence {
            Some(Absence::NoName | Absence::NoConnection) => self.refusals.saturating_add(1),
            Some(Absence::Present) | None => 0,
        };
        self.answer = after_asking(place, self.answer, absence, self.refusals);
        self.since = failure.map(|(_, text)| (at, text.clone()));
        self.scrapes = 0;
    }

    /// For the board.
    pub(crate) const fn entry(&self, program: Program, url: String, job: String) -> Entry {
        Entry { program, answer: self.answer, url, job }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_asked_again_after_ten_scrapes_until_it_answers() {
        let mut relief = Relief::default();
        let refused = (Absence::NoConnection, "refused".to_owned());
        let mut asked = Vec::new();
        for second in 0..30 {
            let at = Timestamp::from_ms(second * 1_000);
            if relief.goes_on(at).is_none() {
                asked.push(second);
                let failure = (second < 22).then_some(&refused);
                relief.asked(Place::Here, failure, at);
            }
        }
        assert_eq!(asked, [0, 11, 22, 23, 24, 25, 26, 27, 28, 29]);
        assert_eq!(relief.answer(), Answer::Itself);
    }
}
