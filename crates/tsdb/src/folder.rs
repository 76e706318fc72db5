//! Where files lie in the data folder.

use std::io;
use std::path::{Path, PathBuf};

/// The segments of a tier, sorted. Files that were not finished before a crash are removed: their window is in the log.
pub(crate) fn segment_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if !folder.exists() {
        return Ok(found);
    }
    for day in std::fs::read_dir(folder)? {
        for entry in std::fs::read_dir(day?.path())? {
            let path = entry?.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("seg") => found.push(path),
                Some("tmp") => std::fs::remove_file(path)?,
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

pub(crate) fn relative(dir: &Path, path: &Path) -> String {
    path.strip_prefix(dir).unwrap_or(path).display().to_string()
}

/// `yyyymmdd` of a moment, in UTC. Era arithmetic of the Gregorian calendar: 400 years have 146,097 days.
pub(crate) fn day(at_ms: i64) -> String {
    let days = at_ms.div_euclid(86_400_000) + 719_468; // from 0000-03-01
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (at_ms, expected) in [(0, "19700101"), (951_782_400_000, "20000229"), (1_795_478_400_000, "20261124")] {
            assert_eq!(day(at_ms), expected);
        }
    }
}
