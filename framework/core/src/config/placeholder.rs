//! `${VAR}` and `${VAR:-default}` in the values of a file.

/// Fills in the placeholders of a text.
///
/// `$${` stands for `${`. A `$` before anything else is a `$`, since passwords contain it.
///
/// # Errors
/// What is wrong, which names the variable and never the text around it.
pub(super) fn fill(text: &str, get: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if let Some(escaped) = rest[..at].strip_suffix('$') {
            filled.push_str(escaped);
            filled.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        filled.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let end =
            inside.find('}').ok_or("a `${` has no `}`; write `$${` for the two characters")?;
        let (name, default) = match inside[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&inside[..end], None),
        };
        if !is_name(name) {
            return Err("a placeholder is `${NAME}` or `${NAME:-default}`".to_owned());
        }
        match (get(name).filter(|value| !value.is_empty()), default) {
            (Some(value), _) => filled.push_str(&value),
            (None, Some(default)) => filled.push_str(default),
            (None, None) => {
                return Err(format!(
                    "the variable {name} is not set; set it, or write `${{{name}:-default}}`"
                ));
            }
        }
        rest = &inside[end + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn get(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("db.internal".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn placeholders_are_filled_in() {
        let cases = [
            ("plain", "plain"),
            ("${HOST}:5432", "db.internal:5432"),
            ("${PORT:-5432}", "5432"),
            ("${EMPTY:-x}", "x"),
            ("${NONE:-}", ""),
            ("pa$$w0rd$", "pa$$w0rd$"),
            ("$${HOST}", "${HOST}"),
            ("${HOST}${HOST}", "db.internaldb.internal"),
        ];
        for (text, filled) in cases {
            assert_eq!(fill(text, &get).as_deref(), Ok(filled), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_filled_in_is_named() {
        let error = fill("s3cret${NONE}", &get).unwrap_err();
        assert_eq!(error, "the variable NONE is not set; set it, or write `${NONE:-default}`");
        for text in ["${HOST", "${}", "${a b}", "${1A}"] {
            assert!(fill(text, &get).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_filled_without_a_panic(text in "[${}:\\-A-Z€ ]*") {
            let _ = fill(&text, &get);
        }
    }
}
