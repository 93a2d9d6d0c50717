//! What the outcome of an attempt means.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use purlin_resilience::{Outcome, Verdict};

use crate::{error::Broken, response::Response};

/// The verdict on an attempt of a request that may, or may not, be repeated.
pub(crate) fn judge(
    outcome: &Outcome<'_, Response, Broken>,
    repeatable: bool,
    now: SystemTime,
) -> Verdict {
    let transient = if repeatable { Verdict::Transient } else { Verdict::Fault };
    match outcome {
        // Nothing was sent, so nothing is repeated.
        Outcome::Failed(Broken::Connect(_)) => Verdict::Transient,
        // It works, and the next answer is no smaller.
        Outcome::Failed(Broken::TooLarge { .. }) => Verdict::Fine,
        Outcome::Failed(_) | Outcome::TimedOut(_) => transient,
        Outcome::Done(answer) => match answer.status() {
            StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => match retry_after(answer.headers(), now) {
                Some(after) if repeatable => Verdict::TransientAfter(after),
                _ => transient,
            },
            status if status.is_server_error() => Verdict::Fault,
            _ => Verdict::Fine,
        },
    }
}

/// The time that `Retry-After` asks for, as seconds or as a date ([RFC 9110], section 10.2.3); zero
/// when the date has passed at `now`, and `None` where nothing is asked for that can be read.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use http::{HeaderMap, header::RETRY_AFTER};
/// use purlin_http_client::retry_after;
///
/// let headers = HeaderMap::from_iter([(RETRY_AFTER, "7".parse().unwrap())]);
/// assert_eq!(retry_after(&headers, SystemTime::UNIX_EPOCH), Some(Duration::from_secs(7)));
/// ```
///
/// Requests of this client heed it by themselves. It is for whoever goes on later, such as a consumer
/// that puts a message off.
///
/// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sat, 21 Nov 2026 12:00:00 GMT").unwrap();
        for (value, seconds) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Sat, 21 Nov 2026 12:01:30 GMT", Some(90)),
            ("Sat, 21 Nov 2026 11:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("99999999999999999999999", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
