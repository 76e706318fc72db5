//! A target's page for people: fetched when somebody asks, never stored.

use model::Timestamp;

use crate::fetch::fetch;
use crate::scrape_task::{Assignment, collect};
use crate::source::BuiltIn;
use crate::status::{RAW_PAGE_BYTES_MAX, RawPage};
use crate::target::Endpoint;

/// Fetches the page of an assignment's target; `stands_in` asks the built-in collector that answers for it.
pub(crate) async fn of(assignment: &Assignment, stands_in: bool, at: Timestamp) -> Result<RawPage, String> {
    let stand_in = assignment.stand_in.as_ref().filter(|_| stands_in);
    let (content_type, mut body) = match (&assignment.target.endpoint, stand_in) {
        (Endpoint::BuiltIn(source), _) => written(source, at).await?,
        (Endpoint::Http(_), Some(stand_in)) => written(&stand_in.source, at).await?,
        (Endpoint::Http(url), None) => {
            let client = assignment.client.as_ref().ok_or("the target has no client")?;
            let page = fetch(client, url, &assignment.target, Vec::new()).await.map_err(|error| error.to_string())?;
            (page.content_type, page.body)
        }
    };
    let cut = RAW_PAGE_BYTES_MAX < body.len();
    body.truncate(RAW_PAGE_BYTES_MAX);
    Ok(RawPage { content_type, body, cut })
}

async fn written(source: &BuiltIn, at: Timestamp) -> Result<(Option<String>, Vec<u8>), String> {
    let families = collect(source, at).await?;
    Ok((Some(exposition::CONTENT_TYPE.to_owned()), exposition::write_text(&families).into_bytes()))
}
