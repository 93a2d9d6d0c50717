//! `.env`: one `NAME=value` a line.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    layer::Variable,
    origin::{Origin, Place, Source},
    problem::Problem,
};

/// Reads the file. `export` is allowed, `#` begins a comment, single quotes keep the text as it is,
/// and double quotes know `\n`, `\t`, `\"` and `\\`. The last of two equal names wins, as in a shell.
pub(super) fn parse(source: &Arc<Source>) -> (BTreeMap<String, Variable>, Vec<Problem>) {
    let (mut variables, mut problems) = (BTreeMap::new(), Vec::new());
    let mut offset = 0;
    for (index, line) in source.text().split_inclusive('\n').enumerate() {
        let place = Place::new(source, index + 1, 1, offset..offset + line.trim_end().len());
        offset += line.len();
        match parse_line(line.trim()) {
            Ok(None) => {}
            Ok(Some((name, text))) => {
                let origin = Origin::DotEnv { name: name.to_owned(), place };
                variables.insert(name.to_owned(), Variable { text, origin });
            }
            // The line may hold a secret, so it is named and not shown.
            Err(message) => problems.push(Problem::new(message).at(Origin::File(place))),
        }
    }
    (variables, problems)
}

fn parse_line(line: &str) -> Result<Option<(&str, String)>, &'static str> {
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=').ok_or("not a variable; write NAME=value")?;
    let name = name.trim();
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name {
        return Err("not the name of a variable; use letters, digits and `_`");
    }
    parse_value(value.trim()).map(|value| Some((name, value)))
}

fn parse_value(value: &str) -> Result<String, &'static str> {
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let end = value.find(" #").unwrap_or(value.len());
        return Ok(value[..end].trim_end().to_owned());
    };
    let mut text = String::new();
    let mut chars = value[1..].chars();
    while let Some(c) = chars.next() {
        match c {
            c if c == quote => {
                let rest = chars.as_str().trim_start();
                return if rest.is_empty() || rest.starts_with('#') {
                    Ok(text)
                } else {
                    Err("there is text after the closing quote")
                };
            }
            '\\' if quote == '"' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some(c) => text.push(c),
                None => break,
            },
            c => text.push(c),
        }
    }
    Err("the quote is not closed on its line; write \\n for a line break")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse_text(text: &str) -> (BTreeMap<String, Variable>, Vec<Problem>) {
        parse(&Source::new(".env", ".env".into(), text.to_owned()))
    }

    #[test]
    fn lines_are_read_as_a_shell_would() {
        let (variables, problems) = parse_text(
            "# comment\n\nA=1\nexport B = two words # why\nC=\"a\\nb # c\"\nD='$x\\n'\nE=\nF=x#y\nA=2\r\n",
        );
        assert_eq!(problems, []);
        let read: Vec<_> = variables
            .iter()
            .map(|(name, variable)| (name.as_str(), variable.text.as_str()))
            .collect();
        assert_eq!(
            read,
            [
                ("A", "2"),
                ("B", "two words"),
                ("C", "a\nb # c"),
                ("D", "$x\\n"),
                ("E", ""),
                ("F", "x#y")
            ]
        );
        assert_eq!(variables["A"].origin.to_string(), ".env:9 A");
    }

    #[test]
    fn a_bad_line_is_named_and_not_shown() {
        let (_, problems) = parse_text("TOKEN s3cret\nA-B=s3cret\nC='s3cret\nD=\"a\" s3cret\n");
        let shown: Vec<_> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(
            shown,
            [
                ".env:1:1 not a variable; write NAME=value",
                ".env:2:1 not the name of a variable; use letters, digits and `_`",
                ".env:3:1 the quote is not closed on its line; write \\n for a line break",
                ".env:4:1 there is text after the closing quote",
            ]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(\\PC|[\n\"'=\\\\#])*") {
            let _ = parse_text(&text);
        }
    }
}
