//! A target's page for people: fetched when somebody asks, never stored.

use model::Timestamp;

use crate::fetch::fetch;
use crate::scrape_task::{Assignment, collect};
use crate::status::{RAW_PAGE_BYTES_MAX, RawPage};
use crate::target::Endpoint;

/// Fetches the page of an assignment's target; `stand_in` asks the built-in collector that answers for it.
pub(crate) async fn of(assignment: &Assignment, _stand_in: bool, at: Timestamp) -> Result<RawPage, String> {
    let (content_type, mut body) = match &assignment.target.endpoint {
        Endpoint::BuiltIn(source) => {
            let families = collect(source, at).await?;
            (Some(exposition::CONTENT_TYPE.to_owned()), exposition::write_text(&families).into_bytes())
        }
        Endpoint::Http(_) => {
            let client = assignment.client.as_ref().ok_or("the target has no client")?;
            let page = fetch(client, &assignment.target, Vec::new()).await?;
            (page.content_type, page.body)
        }
    };
    let cut = RAW_PAGE_BYTES_MAX < body.len();
    body.truncate(RAW_PAGE_BYTES_MAX);
    Ok(RawPage { content_type, body, cut })
}
