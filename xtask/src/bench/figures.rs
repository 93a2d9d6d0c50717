//! What a measurement came to, on the terminal and in the documentation.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::processes::Processes;

/// The lines of a measurement.
#[derive(Debug, Default)]
pub(super) struct Figures(Vec<String>);

// === impl Figures ===

impl Figures {
    /// Keeps a line that has been shown.
    pub(super) fn keep(&mut self, line: &str) {
        self.0.push(line.to_owned());
    }

    /// Shows a line, and keeps it.
    pub(super) fn add(&mut self, line: &str) {
        println!("{line}");
        self.keep(line);
    }

    /// Puts the lines between the marks of `name` in a file.
    pub(super) fn write(&self, file: &Path, name: &str) -> Result<()> {
        let shown = file.display();
        let text = fs::read_to_string(file).with_context(|| format!("could not read {shown}"))?;
        let written = replaced(&text, name, &self.0.join("\n"))
            .with_context(|| format!("{shown} has no place for the figures of `{name}`"))?;
        fs::write(file, written).with_context(|| format!("could not write {shown}"))
    }
}

/// The text with `figures` between `<!-- name -->` and `<!-- /name -->`.
fn replaced(text: &str, name: &str, figures: &str) -> Option<String> {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = text.split_once(&open)?;
    let (_, after) = rest.split_once(&close)?;
    Some(format!("{before}{open}```text\n{figures}\n```\n{close}{after}"))
}

/// Where it was measured: processor, cores, compilers.
pub(super) fn machine(processes: &Processes) -> Result<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let rustc = processes.capture(Command::new("rustc").arg("--version"))?;
    let go = processes.capture(Command::new("go").arg("version")).ok();
    let go = go.map(|go| format!(" · {}", go.trim().replace("go version ", "")));
    let (model, rustc) = (model.unwrap_or("unknown processor"), rustc.trim());
    Ok(format!("{model}, {cores} cores · {rustc}{}", go.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_between_their_marks() {
        let text = "a\n<!-- start -->\nold\n<!-- /start -->\nb\n<!-- graph -->\n<!-- /graph -->\n";
        let written = replaced(text, "start", "12 ms").unwrap();
        assert_eq!(
            written,
            "a\n<!-- start -->\n```text\n12 ms\n```\n<!-- /start -->\nb\n<!-- graph -->\n<!-- /graph -->\n"
        );
        assert_eq!(replaced(&written, "start", "12 ms").as_ref(), Some(&written));
        assert_eq!(replaced(text, "other", "1"), None);
    }
}
