//! Requests that change something must not come from somebody else's page.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Refuses requests other than GET, HEAD and OPTIONS that a browser says another site made. Programs such as curl say
/// nothing and pass.
pub(crate) async fn check(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if reads || same_site(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "this request comes from another site\n").into_response()
    }
}

fn same_site(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    match (headers.contains_key(header::ORIGIN), text(header::ORIGIN), text(header::HOST)) {
        (false, _, _) => true,
        (true, Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        (true, _, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_site_is_refused() {
        let check = |pairs: &[(&'static str, &'static str)], expected| {
            let headers = pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
            assert_eq!(same_site(&headers), expected, "{pairs:?}");
        };
        check(&[("host", "a:1")], true);
        check(&[("host", "a:1"), ("origin", "http://a:1")], true);
        check(&[("host", "a:1"), ("origin", "http://b:1")], false);
        check(&[("host", "a:1"), ("origin", "null")], false);
        check(&[("host", "a:1"), ("sec-fetch-site", "same-origin")], true);
        check(&[("host", "a:1"), ("sec-fetch-site", "none")], true);
        check(&[("host", "a:1"), ("sec-fetch-site", "same-site"), ("origin", "http://a:1")], false);
    }
}
