use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header::LOCATION};
use serde::Serialize;

/// The answer 201, with the path of what was created in `Location`, and itself as JSON.
///
/// ```
/// use purlin_http::extract::Created;
/// # #[derive(serde::Serialize)] struct Order { id: u64 }
///
/// async fn create() -> Created<Order> {
///     let order = Order { id: 7 };
///     Created::new(format!("/orders/{}", order.id), order)
/// }
/// ```
/// What a header cannot hold is percent-encoded. The rest of the path is taken as it is: a name
/// that may contain `/` or `?` is the caller's to encode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created<T> {
    location: String,
    body: T,
}

// === impl Created ===

impl<T> Created<T> {
    /// The answer for `body`, which is found at `location`.
    pub fn new(location: impl Into<String>, body: T) -> Self {
        Self { location: location.into(), body }
    }

    /// What was created.
    pub fn into_inner(self) -> T {
        self.body
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let location = [(LOCATION, header(&self.location))];
        (StatusCode::CREATED, location, Json(self.body)).into_response()
    }
}

fn header(path: &str) -> HeaderValue {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'!'..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    HeaderValue::from_str(&text).expect("it is visible ASCII by now")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_location_fits_into_a_header() {
        assert_eq!(header("/people/ada"), "/people/ada");
        assert_eq!(header("/people/Ада b\r\n"), "/people/%D0%90%D0%B4%D0%B0%20b%0D%0A");
    }
}
