//! `cargo xtask sizes`: the longest files, functions and the binary's size; a report, not a gate.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::shell::root;

/// How many of each are shown.
const SHOWN: usize = 15;

/// Prints the report.
///
/// # Errors
/// The sources cannot be read.
pub(crate) fn sizes() -> Result<()> {
    let mut files = Vec::new();
    collect(&root().join("crates"), &mut files)?;
    let mut lines_by_file = Vec::new();
    let mut lines_by_function = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file)?;
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        let shown = file.strip_prefix(root().join("crates")).unwrap_or(&file).display().to_string();
        lines_by_file.push((product.lines().count(), shown.clone()));
        lines_by_function
            .extend(functions(product).into_iter().map(|(name, lines)| (lines, format!("{shown} {name}"))));
    }
    print("lines of files (tests left out)", lines_by_file);
    print("lines of functions", lines_by_function);
    for profile in ["release", "debug"] {
        let binary = root().join("target").join(profile).join("pitwall");
        if let Ok(about) = binary.metadata() {
            println!("{profile} binary: {} bytes", about.len());
        }
    }
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("tests") {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// Name and length of each function, by indentation: rustfmt closes a function at the column where it began.
fn functions(text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut open: Option<(String, usize, usize)> = None;
    for (number, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        match &open {
            Some((name, from, at)) if indent == *at && line.trim() == "}" => {
                found.push((name.clone(), number - from + 1));
                open = None;
            }
            Some(_) => {}
            None => {
                let name = line.split("fn ").nth(1).and_then(|rest| rest.split(['(', '<']).next());
                if let Some(name) =
                    name.filter(|_| !line.trim_start().starts_with("//") && !line.trim_end().ends_with('}'))
                {
                    open = Some((name.to_owned(), number, indent));
                }
            }
        }
    }
    found
}

fn print(title: &str, mut rows: Vec<(usize, String)>) {
    rows.sort_unstable_by(|a, b| b.cmp(a));
    println!("{title}:");
    for (lines, what) in rows.into_iter().take(SHOWN) {
        println!("{lines:6}  {what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_end_where_they_began() {
        let text = "fn a() {\n    if x {\n    }\n}\nimpl B {\n    fn c<T>() {\n        d();\n    }\n}\n";
        assert_eq!(functions(text), [("a".to_owned(), 4), ("c".to_owned(), 3)]);
    }
}
