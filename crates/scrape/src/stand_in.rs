//! Who answers for a program that this one replaces; the decisions are pure.
//!
//! A configuration that was made for the programs that this one replaces names them as targets. Where such a target is on
//! this machine and nobody is there, the built-in collector answers under the configured labels, and its own standalone
//! target rests meanwhile, so that no series exists twice.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use url::Url;

use crate::machine::Machine;
use crate::source::Program;

/// A target that answered once is given up for its built-in stand-in after this many scrapes without a connection: a
/// program that is started again is not one that is gone.
const REFUSALS_BEFORE_STAND_IN: u32 = 3;
/// While the built-in collector answers, the target itself is asked again after this many scrapes …
const RETRY_SCRAPES: u32 = 10;
/// … or after this long, whichever comes first, in milliseconds.
const RETRY_MS: i64 = 300_000;

/// Where a replaced program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// On this machine.
    Here,
    /// Under a name such as `node-exporter`, which is a service of a compose file; where the name has no address, the
    /// configuration was made for containers that this program replaced.
    Service,
    /// On this machine, and nobody configured it: it was found, and when it goes, nobody misses it.
    Found,
}

/// A configured target that is one of the replaced programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) program: Program,
    pub(crate) place: Place,
}

/// How a scrape over HTTP failed, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absence {
    /// The name has no address.
    NoName,
    /// Nobody takes the connection.
    NoConnection,
    /// Somebody is there, but it did not go well.
    Present,
}

/// How a candidate fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It was not asked yet.
    #[default]
    Unknown,
    /// The program itself answers.
    Itself,
    /// The program is not there, the built-in collector answers.
    BuiltIn,
    /// The program is there and fails.
    Failing,
}

/// Which of the replaced programs a target is, if it is one that may be on this machine. `found` says that nobody
/// configured it.
pub(crate) fn candidate(url: &Url, machine: &Machine, found: bool) -> Option<Candidate> {
    // Another page than the usual one is somebody's special wish, which no stand-in can meet.
    if url.path() != "/metrics" || url.query().is_some() {
        return None;
    }
    let host = url.host_str()?;
    if machine.is_here(host) {
        let port = url.port_or_known_default()?;
        let program = Program::ALL.into_iter().find(|program| program.port() == Some(port))?;
        return Some(Candidate { program, place: if found { Place::Found } else { Place::Here } });
    }
    // A name without a dot that says nothing of a program may be another machine's, whose absence must be seen.
    let is_name = !found && !host.contains(['.', ':']);
    let program = is_name.then(|| service(&host.to_ascii_lowercase())).flatten()?;
    Some(Candidate { program, place: Place::Service })
}

/// The program that a compose file calls so.
fn service(name: &str) -> Option<Program> {
    const PARTS: [(&str, Program); 6] = [
        ("node-exporter", Program::NodeExporter),
        ("nodeexporter", Program::NodeExporter),
        ("dcgm", Program::DcgmExporter),
        ("nvidia-gpu-exporter", Program::NvidiaGpuExporter),
        ("nvidia-smi-exporter", Program::NvidiaGpuExporter),
        ("alertmanager", Program::Alertmanager),
    ];
    let name = name.replace('_', "-");
    match name.as_str() {
        // Much is called prometheus-something and is something else.
        "prometheus" => Some(Program::Prometheus),
        "grafana" => Some(Program::Grafana),
        name => PARTS.iter().find(|(part, _)| name.contains(part)).map(|(_, program)| *program),
    }
}

/// How a candidate fares after it was asked itself. `failure` is `None` if it answered; `refusals` counts scrapes without
/// a connection in a row, this one included.
pub(crate) fn after_asking(place: Place, was: Answer, failure: Option<Absence>, refusals: u32) -> Answer {
    let absent = match (failure, place) {
        (None, _) => return Answer::Itself,
        (Some(Absence::Present), _) | (Some(_), Place::Found) => false,
        (Some(Absence::NoName), _) | (Some(Absence::NoConnection), Place::Here) => true,
        (Some(Absence::NoConnection), Place::Service) => false,
    };
    match was {
        _ if !absent => Answer::Failing,
        Answer::Itself | Answer::Failing if refusals < REFUSALS_BEFORE_STAND_IN => was,
        _ => Answer::BuiltIn,
    }
}

/// Whether the target itself is to be asked, after so many scrapes and so long for which the built-in collector answered.
pub(crate) const fn ask_again(scrapes: u32, since_ms: i64) -> bool {
    RETRY_SCRAPES <= scrapes || RETRY_MS <= since_ms
}

/// Why a built-in collector's own target is not asked, if it is not: a candidate delivers the same series.
pub(crate) fn rest<'a>(stands_for: &[Program], entries: impl IntoIterator<Item = &'a Entry>) -> Option<String> {
    let reason = |entry: &Entry| {
        let Entry { program, answer, url, job } = entry;
        if !stands_for.contains(program) {
            return None;
        }
        match answer {
            Answer::Unknown => Some(format!("job {job:?} is about to ask {program} at {url}")),
            Answer::BuiltIn => Some(format!("it answers for {program} at {url} in job {job:?}")),
            // Another Prometheus' own numbers are not this program's.
            Answer::Itself if program.doubles_ours() => {
                Some(format!("{program} at {url} in job {job:?} tells the same"))
            }
            Answer::Itself | Answer::Failing => None,
        }
    };
    entries.into_iter().find_map(reason)
}

/// A candidate as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) program: Program,
    pub(crate) answer: Answer,
    pub(crate) url: String,
    pub(crate) job: String,
}

/// Where the loops of candidates say how they fare, and the built-in collectors' loops look.
#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<BTreeMap<String, Entry>>);

impl Board {
    /// Notes how the candidate with this key fares.
    pub(crate) fn note(&self, key: &str, entry: Entry) {
        self.0.lock().insert(key.to_owned(), entry);
    }

    /// The candidate is no longer scraped.
    pub(crate) fn forget(&self, key: &str) {
        self.0.lock().remove(key);
    }

    /// [`rest`] by what is noted at this moment.
    pub(crate) fn rest(&self, stands_for: &[Program]) -> Option<String> {
        rest(stands_for, self.0.lock().values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_programs_are_known_by_port_here_and_by_name_elsewhere() {
        use Place::{Here, Service};
        let machine = Machine { hostname: "box".to_owned(), ..Machine::default() };
        for (url, expected) in [
            ("http://localhost:9100/metrics", Some((Program::NodeExporter, Here))),
            ("http://box:9400/metrics", Some((Program::DcgmExporter, Here))),
            ("http://host.docker.internal:9835/metrics", Some((Program::NvidiaGpuExporter, Here))),
            ("https://127.0.0.1:9090/metrics", Some((Program::Prometheus, Here))),
            ("http://[::1]:9093/metrics", Some((Program::Alertmanager, Here))),
            ("http://localhost:8000/metrics", None),
            ("http://localhost:9090/federate", None),
            ("http://localhost:9100/metrics?collect[]=cpu", None),
            ("http://node-exporter:9100/metrics", Some((Program::NodeExporter, Service))),
            ("http://monitoring_node_exporter_1:9100/metrics", Some((Program::NodeExporter, Service))),
            ("http://dcgm-exporter:9400/metrics", Some((Program::DcgmExporter, Service))),
            ("http://prometheus:9090/metrics", Some((Program::Prometheus, Service))),
            ("http://grafana:3000/metrics", Some((Program::Grafana, Service))),
            ("http://prometheus-pushgateway:9091/metrics", None),
            ("http://raspi:9100/metrics", None),
            ("http://node-exporter.lan:9100/metrics", None),
            ("http://192.0.2.7:9100/metrics", None),
        ] {
            let known = candidate(&Url::parse(url).unwrap(), &machine, false);
            assert_eq!(known.map(|known| (known.program, known.place)), expected, "{url}");
        }
        let found = candidate(&Url::parse("http://127.0.0.1:9100/metrics").unwrap(), &machine, true).unwrap();
        assert_eq!(found, Candidate { program: Program::NodeExporter, place: Place::Found });
    }

    #[test]
    fn who_answers_after_a_scrape() {
        use Absence::{NoConnection, NoName, Present};
        use Answer::{BuiltIn, Failing, Itself, Unknown};
        use Place::{Found, Here, Service};
        for (place, was, failure, refusals, expected) in [
            (Here, Unknown, None, 0, Itself),
            (Here, Unknown, Some(NoConnection), 1, BuiltIn),
            (Here, Unknown, Some(NoName), 1, BuiltIn),
            (Here, Unknown, Some(Present), 0, Failing),
            (Here, BuiltIn, Some(NoConnection), 1, BuiltIn),
            (Here, BuiltIn, Some(Present), 0, Failing),
            (Here, BuiltIn, None, 0, Itself),
            (Here, Itself, Some(NoConnection), 1, Itself),
            (Here, Itself, Some(NoConnection), 2, Itself),
            (Here, Itself, Some(NoConnection), 3, BuiltIn),
            (Here, Failing, Some(NoConnection), 1, Failing),
            (Here, Failing, Some(NoConnection), 3, BuiltIn),
            (Service, Unknown, Some(NoName), 1, BuiltIn),
            (Service, Unknown, Some(NoConnection), 1, Failing),
            (Service, Itself, Some(NoName), 3, BuiltIn),
            (Found, Unknown, None, 0, Itself),
            (Found, Itself, Some(NoConnection), 3, Failing),
        ] {
            let got = after_asking(place, was, failure, refusals);
            assert_eq!(got, expected, "{place:?} {was:?} {failure:?} {refusals}");
        }
    }

    #[test]
    fn the_target_itself_is_asked_again_calmly() {
        for (scrapes, since_ms, expected) in
            [(0, 0, false), (9, 100_000, false), (10, 100_000, true), (1, 299_999, false), (1, 300_000, true)]
        {
            assert_eq!(ask_again(scrapes, since_ms), expected, "{scrapes} {since_ms}");
        }
    }

    #[test]
    fn a_built_in_collector_rests_while_a_candidate_tells_the_same() {
        use Answer::{BuiltIn, Failing, Itself, Unknown};
        let host = [Program::NodeExporter];
        let own = [Program::Prometheus, Program::Alertmanager];
        let gpu = [Program::DcgmExporter, Program::NvidiaGpuExporter];
        for (stands_for, entries, rests) in [
            (host.as_slice(), vec![], false),
            (&host, vec![(Program::NodeExporter, Unknown)], true),
            (&host, vec![(Program::NodeExporter, BuiltIn)], true),
            (&host, vec![(Program::NodeExporter, Itself)], true),
            (&host, vec![(Program::NodeExporter, Failing)], false),
            (&host, vec![(Program::NodeExporter, Failing), (Program::NodeExporter, BuiltIn)], true),
            (&host, vec![(Program::DcgmExporter, BuiltIn)], false),
            (&own, vec![(Program::Prometheus, Itself)], false),
            (&own, vec![(Program::Alertmanager, BuiltIn)], true),
            (&gpu, vec![(Program::DcgmExporter, Itself)], true),
            // Its names are others.
            (&gpu, vec![(Program::NvidiaGpuExporter, Itself)], false),
        ] {
            let board = Board::default();
            for (key, (program, answer)) in entries.iter().enumerate() {
                let (url, job) = ("http://h/metrics".to_owned(), "j".to_owned());
                board.note(&key.to_string(), Entry { program: *program, answer: *answer, url, job });
            }
            assert_eq!(board.rest(stands_for).is_some(), rests, "{stands_for:?} {entries:?}");
            for key in 0..entries.len() {
                board.forget(&key.to_string());
            }
            assert_eq!(board.rest(stands_for), None);
        }
    }
}
