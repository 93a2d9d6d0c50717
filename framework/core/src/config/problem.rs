//! What is wrong with the configuration, and where.

use std::{fmt, ops::Range};

use super::origin::{Origin, Place};

/// One thing that is wrong, as it is shown to whoever has to mend it.
///
/// Its `Display` says where, what and the fix, in one line or with the lines of the file:
/// ```text
/// app.yaml:7:3 unknown key `max_amount_cent`
///   6 │ orders:
///   7 │   max_amount_cent: 5000
///     │   ^^^^^^^^^^^^^^^ did you mean `max_amount_cents`?
/// ```
/// The value of a secret is in none of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    key: Option<String>,
    origin: Option<Origin>,
    value: Option<String>,
    message: String,
    note: Option<String>,
    snippet: Option<String>,
}

/// A part of the file around a place.
pub(super) struct Snippet<'a> {
    pub(super) place: &'a Place,
    /// The key above, for the eye.
    pub(super) parent: Option<&'a Place>,
    /// The bytes that must not be shown.
    pub(super) hidden: &'a [Range<usize>],
}

// === impl Problem ===

impl Problem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            key: None,
            origin: None,
            value: None,
            message: message.into(),
            note: None,
            snippet: None,
        }
    }

    /// A file that cannot be parsed. What is a secret in it is unknown, so only keys are shown.
    pub(super) fn syntax(place: Place, message: String) -> Self {
        let mut hidden = Vec::new();
        if let Some((offset, line)) = place.source().line(place.line()) {
            let start =
                line.find(':').map_or(line.len() - line.trim_start().len(), |colon| colon + 1);
            let value = &line[start..];
            let start = offset + start + (value.len() - value.trim_start().len());
            hidden.push(start..offset + line.len());
        }
        // The parser gives no extent for what it did not understand.
        let at = place.source().line(place.line()).map_or(0, |(offset, line)| {
            offset + line.char_indices().nth(place.column() - 1).map_or(line.len(), |(at, _)| at)
        });
        let place = Place::new(&place.shared(), place.line(), place.column(), at..at + 1);
        let snippet = Snippet { place: &place, parent: None, hidden: &hidden }.render(None);
        Self { snippet: Some(snippet), ..Self::new(message).at(Origin::File(place)) }
    }

    #[must_use]
    pub(super) fn key_is(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    #[must_use]
    pub(super) fn at(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Shows the value, which must not be a secret.
    #[must_use]
    pub(super) fn value_is(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    #[must_use]
    pub(super) fn note(mut self, note: Option<String>) -> Self {
        self.note = note;
        self
    }

    #[must_use]
    pub(super) fn snippet(mut self, snippet: Option<Snippet<'_>>) -> Self {
        self.snippet = snippet.map(|snippet| snippet.render(self.note.as_deref()));
        self
    }

    /// The key that it is about: `orders.max_amount_cents`.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Where the wrong value comes from.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_deref().unwrap_or_default();
        match &self.origin {
            None => {}
            Some(Origin::File(place)) => write!(f, "{place} ")?,
            Some(Origin::Default) => write!(f, "default of {key}")?,
            Some(Origin::Flag) => write!(f, "--set {key}")?,
            Some(Origin::Code) => write!(f, ".set({key:?}, ..)")?,
            Some(origin) => write!(f, "{origin}")?,
        }
        match &self.origin {
            None | Some(Origin::File(_)) => {}
            Some(_) => match &self.value {
                Some(value) => write!(f, "={value:?}: ")?,
                None => f.write_str(": ")?,
            },
        }
        f.write_str(&self.message)?;
        match (&self.snippet, &self.note) {
            (Some(snippet), _) => write!(f, "\n{snippet}"),
            (None, Some(note)) => write!(f, "; {note}"),
            (None, None) => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

// === impl Snippet ===

impl Snippet<'_> {
    fn render(&self, note: Option<&str>) -> String {
        let number = self.place.line();
        let width = number.to_string().len();
        let mut lines = Vec::new();
        if let Some(parent) = self.parent.filter(|parent| parent.line() < number)
            && let Some((text, _)) = self.line(parent)
        {
            lines.push(format!("  {:>width$} │ {text}", parent.line()));
            if parent.line() + 1 < number {
                lines.push(format!("  {:>width$} ┆", ""));
            }
        }
        if let Some((text, caret)) = self.line(self.place) {
            lines.push(format!("  {number} │ {text}"));
            let caret = format!("{}{}", " ".repeat(caret.start), "^".repeat(caret.len().max(1)));
            let note = note.map(|note| format!(" {note}")).unwrap_or_default();
            lines.push(format!("  {:>width$} │ {caret}{note}", ""));
        }
        lines.join("\n")
    }

    /// A line with its hidden parts replaced, and the columns that the place takes up in it.
    fn line(&self, place: &Place) -> Option<(String, Range<usize>)> {
        let (offset, line) = place.source().line(place.line())?;
        let (mut shown, mut start, mut end) = (String::new(), None, None);
        let mut columns = 0;
        let mut at = 0;
        while at < line.len() {
            let byte = offset + at;
            if start.is_none() && byte >= place.range().start {
                start = Some(columns);
            }
            if end.is_none() && byte >= place.range().end {
                end = Some(columns);
            }
            if let Some(hidden) = self.hidden.iter().find(|hidden| hidden.contains(&byte)) {
                shown.push_str("[redacted]");
                columns += "[redacted]".len();
                at = hidden.end.saturating_sub(offset).max(at + 1);
                continue;
            }
            // Places come from the parser; a byte inside of a character cannot begin a line.
            let Some(c) = line.get(at..).and_then(|rest| rest.chars().next()) else { break };
            shown.push(c);
            columns += 1;
            at += c.len_utf8();
        }
        let start = start.unwrap_or(columns);
        Some((shown, start..end.unwrap_or(columns).max(start)))
    }
}
