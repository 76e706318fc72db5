//! Somebody starts the program for the first time.

use crate::program::{Program, eventually};

#[tokio::test]
async fn without_configuration_the_home_page_shows_this_machine() {
    let data = tempfile::tempdir().unwrap();
    let program = Program::start(data.path(), &[], &[]).await;
    let page = eventually("a chart with a line on the home page", || async {
        let page = program.page("/").await;
        longest_path(&page).filter(|points| 2 <= *points).map(|_| page)
    })
    .await;
    assert!(!page.contains("<script>") && !page.contains(" style="), "the page keeps its own policy");
    assert!(program.value("node_load1").await.is_some());
    let own = program.page("/metrics").await;
    assert!(own.contains("\nprocess_resident_memory_bytes ") && own.contains("\npitwall_storage_series "), "{own}");
    assert_eq!(program.stop().await, Some(0));
}

#[tokio::test]
async fn a_second_start_on_the_same_data_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let first = Program::start(data.path(), &["--bare"], &[]).await;
    let second = tokio::process::Command::new(env!("CARGO_BIN_EXE_pitwall"))
        .arg("--web.listen-address=127.0.0.1:0")
        .arg(format!("--storage.path={}", data.path().display()))
        .output()
        .await
        .unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("pid") && said.contains(&data.path().display().to_string()), "{said}");
    assert_eq!(first.stop().await, Some(0));
}

#[tokio::test]
async fn another_address_needs_a_decision() {
    let refused = tokio::process::Command::new(env!("CARGO_BIN_EXE_pitwall"))
        .arg("--web.listen-address=0.0.0.0:0")
        .output()
        .await
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("--web.auth=off"), "{said}");
}

/// How many points the longest path of a `chart` SVG has.
fn longest_path(page: &str) -> Option<usize> {
    page.split("<svg")
        .filter(|svg| svg.split('>').next().is_some_and(|open| open.contains("class=\"chart")))
        .flat_map(|svg| svg.split(" d=\"").skip(1))
        .filter_map(|path| path.split('"').next())
        .map(|path| {
            path.split(|c: char| !c.is_ascii_digit() && c != '.').filter(|number| !number.is_empty()).count() / 2
        })
        .max()
}
