//! Snapshots of what differs from run to run only in identifiers, times and ports.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::{Captures, Regex};
use serde::Serialize;
use serde_json::Value;

/// What is recognised by its form, and the name that it gets. The first that matches counts.
static FORMS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "uuid"),
        (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?", "time"),
        (r"\b00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\b", "traceparent"),
        (r"(?:127\.0\.0\.1|localhost|\[::1\]):\d{2,5}\b", "address"),
    ]
    .map(|(form, name)| (Regex::new(form).expect("a constant form is valid"), name))
    .into()
});

/// Compares with a snapshot, once what differs from run to run has been [replaced](stable).
///
/// ```
/// # use serde_json::json;
/// let order = json!({ "id": "0199f1e2-8b6c-7d1a-9c3e-5f2a4b6c8d0e", "cents": 1250 });
/// purlin_testing::snapshot!(order, @r#"
/// {
///   "id": "[uuid 1]",
///   "cents": 1250
/// }
/// "#);
/// ```
/// Without the text behind the `@` it is kept in a file beside the test. `cargo insta review` shows
/// and takes over what has changed; see [insta](https://insta.rs).
///
/// A [`Response`](crate::Response) shows its status, its media type and its body.
#[macro_export]
macro_rules! snapshot {
    ($value:expr $(, @$snapshot:literal)? $(,)?) => {
        $crate::__private::insta::assert_snapshot!($crate::stable(&$value) $(, @$snapshot)?)
    };
}

/// A value as JSON, in which identifiers, times and ports are replaced by names.
///
/// ```
/// # use serde_json::json;
/// let text = purlin_testing::stable(&json!({
///     "id": "0199f1e2-8b6c-7d1a-9c3e-5f2a4b6c8d0e",
///     "at": "2026-11-21T12:00:00Z",
///     "link": "http://127.0.0.1:41234/orders/0199f1e2-8b6c-7d1a-9c3e-5f2a4b6c8d0e",
/// }));
/// assert!(text.contains(r#""at": "[time 1]""#));
/// assert!(text.contains(r#""link": "http://[address 1]/orders/[uuid 1]""#));
/// ```
/// Equal ones get equal names, so that it still shows what refers to what. Recognised are UUIDs,
/// times by RFC 3339, `traceparent` headers and addresses of this machine with their ports, wherever
/// they are in a text.
///
/// # Panics
/// When the value cannot be written as JSON.
pub fn stable<T: Serialize + ?Sized>(value: &T) -> String {
    let mut value = serde_json::to_value(value).expect("what is shown can be written as JSON");
    Names::default().replace(&mut value);
    serde_json::to_string_pretty(&value).expect("a JSON value can be written")
}

/// The names that were given so far.
#[derive(Default)]
struct Names {
    given: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, usize>,
}

// === impl Names ===

impl Names {
    fn replace(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.replaced(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.replace(value)),
            Value::Object(object) => object.values_mut().for_each(|value| self.replace(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn replaced(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (form, name) in FORMS.iter() {
            let replaced =
                form.replace_all(&text, |found: &Captures<'_>| self.name(&found[0], name));
            text = replaced.into_owned();
        }
        text
    }

    fn name(&mut self, found: &str, kind: &'static str) -> String {
        if let Some(name) = self.given.get(found) {
            return name.clone();
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let name = format!("[{kind} {count}]");
        self.given.insert(found.to_owned(), name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_things_get_equal_names() {
        let one = "0199f1e2-8b6c-7d1a-9c3e-5f2a4b6c8d0e";
        let two = "0199f1e2-8b6c-7d1a-9c3e-5f2a4b6c8d0f";
        crate::snapshot!(json!({ "ids": [one, two, one], "of": format!("/orders/{two}") }), @r#"
        {
          "ids": [
            "[uuid 1]",
            "[uuid 2]",
            "[uuid 1]"
          ],
          "of": "/orders/[uuid 2]"
        }
        "#);
    }

    #[test]
    fn only_what_differs_from_run_to_run_is_replaced() {
        let stays =
            json!({ "day": "2026-11-21", "cents": 1250, "version": "1.2.3.4:5", "null": null });
        assert_eq!(serde_json::from_str::<Value>(&stable(&stays)).unwrap(), stays);
        let changes = json!([
            "2026-11-21T12:00:00.123+01:00",
            "at [::1]:8080, localhost:9090 and 127.0.0.1:1024",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ]);
        assert_eq!(
            serde_json::from_str::<Value>(&stable(&changes)).unwrap(),
            json!(["[time 1]", "at [address 1], [address 2] and [address 3]", "[traceparent 1]"])
        );
    }
}
