use serde_json::Value;

/// How much of a value is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// What is named of its objects.
    Part,
}

/// What of `given` is not as `wanted`, one line for each place.
pub(super) fn differences(
    place: &str,
    wanted: &Value,
    given: &Value,
    extent: Extent,
    out: &mut Vec<String>,
) {
    match (wanted, given) {
        (Value::Object(wanted), Value::Object(given)) => {
            for (key, wanted) in wanted {
                let place = format!("{place}.{key}");
                match given.get(key) {
                    Some(given) => differences(&place, wanted, given, extent, out),
                    None => out.push(format!("{place} is missing; it should be {wanted}")),
                }
            }
            if extent == Extent::Whole {
                let more = given.iter().filter(|(key, _)| !wanted.contains_key(*key));
                out.extend(
                    more.map(|(key, value)| format!("{place}.{key} is {value}, not absent")),
                );
            }
        }
        (Value::Array(wanted), Value::Array(given)) if wanted.len() == given.len() => {
            for (index, (wanted, given)) in wanted.iter().zip(given).enumerate() {
                differences(&format!("{place}[{index}]"), wanted, given, extent, out);
            }
        }
        (wanted, given) if wanted == given => {}
        (wanted, given) => out.push(format!("{place} is {given}, not {wanted}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(wanted: &Value, given: &Value, extent: Extent) -> Vec<String> {
        let mut out = Vec::new();
        differences("body", wanted, given, extent, &mut out);
        out
    }

    #[test]
    fn each_place_that_differs_is_named() {
        let wanted = json!({ "id": 7, "lines": [{ "cents": 1 }, { "cents": 2 }], "note": null });
        let given = json!({ "id": 7, "lines": [{ "cents": 1 }, { "cents": 3, "vat": 0 }] });
        let [lines, note] =
            ["body.lines[1].cents is 3, not 2", "body.note is missing; it should be null"];
        assert_eq!(
            told(&wanted, &given, Extent::Whole),
            [lines, "body.lines[1].vat is 0, not absent", note]
        );
        assert_eq!(told(&wanted, &given, Extent::Part), [lines, note]);
        assert_eq!(told(&wanted, &wanted, Extent::Whole), [""; 0]);
        assert_eq!(told(&json!([1]), &json!([1, 2]), Extent::Part), ["body is [1,2], not [1]"]);
    }
}
