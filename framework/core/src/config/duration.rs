//! Durations, such as `500ms` and `1h30m`.

use std::time::Duration;

/// What is said of a text that is no duration.
pub(super) const NOT_A_DURATION: &str = "not a duration; write 500ms, 5s or 2m";

/// Reads a duration; a bare number has no unit, and is refused unless it is zero.
pub(super) fn parse(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text.trim()).map_err(|_| NOT_A_DURATION)
}

/// Writes a duration as `parse` reads it: `1h30m`.
pub(crate) fn show(duration: Duration) -> String {
    humantime::format_duration(duration).to_string().replace(' ', "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        let cases = [
            ("0", Duration::ZERO),
            ("500ms", Duration::from_millis(500)),
            ("5s", Duration::from_secs(5)),
            (" 2m ", Duration::from_secs(120)),
            ("1h30m", Duration::from_secs(5_400)),
        ];
        for (text, duration) in cases {
            assert_eq!(parse(text), Ok(duration), "{text}");
        }
        for text in ["", "5", "soon", "-1s", "5 parsecs", "99999999999999999999s"] {
            assert_eq!(parse(text), Err(NOT_A_DURATION), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*") {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_shown_is_read_again(millis in 0_u64..u64::from(u32::MAX)) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&show(duration)), Ok(duration));
        }
    }
}
