//! Bars as an SVG: text, readable on light and on dark, and the same for the same figures.

use std::fmt;

use crate::spread::Spread;

/// A bar for each contestant, as long as its median, with a line from best to worst.
pub(crate) struct Chart {
    title: String,
    unit: String,
    bars: Vec<Bar>,
}

struct Bar {
    name: String,
    spread: Spread,
    ours: bool,
}

const WIDTH: f64 = 720.0;
const NAMES: f64 = 150.0;
/// What is kept free for the figure behind a bar.
const FIGURES: f64 = 90.0;
const TOP: f64 = 44.0;
const STEP: f64 = 30.0;
const THICK: f64 = 18.0;

const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-weight:600}.bar{fill:#8c959f}\
.ours{fill:#0969da}.spread{stroke:#24292f;stroke-width:1.5}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.bar{fill:#6e7681}.ours{fill:#4493f8}\
.spread{stroke:#e6edf3}}";

// === impl Chart ===

impl Chart {
    pub(crate) fn new(title: &str, unit: &str) -> Self {
        Self { title: title.to_owned(), unit: unit.to_owned(), bars: Vec::new() }
    }

    /// Adds a bar; ours has a colour of its own.
    pub(crate) fn bar(&mut self, name: &str, spread: Spread, ours: bool) {
        self.bars.push(Bar { name: name.to_owned(), spread, ours });
    }
}

impl fmt::Display for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let height = TOP + STEP * self.bars.len() as f64 + 8.0;
        let longest =
            self.bars.iter().map(|bar| bar.spread.worst).fold(f64::MIN_POSITIVE, f64::max);
        let length = |value: f64| value / longest * (WIDTH - NAMES - FIGURES);
        writeln!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">"#
        )?;
        writeln!(f, "<title>{}</title>", escaped(&self.title))?;
        writeln!(f, "<style>{STYLE}</style>")?;
        let title = escaped(&format!("{} ({}), less is better", self.title, self.unit));
        writeln!(f, r#"<text class="title" x="8" y="22">{title}</text>"#)?;
        for (row, Bar { name, spread, ours }) in self.bars.iter().enumerate() {
            let top = TOP + STEP * row as f64;
            let (text, middle) = (top + THICK - 4.0, top + THICK / 2.0);
            let class = if *ours { "bar ours" } else { "bar" };
            let Spread { best, median, worst } = *spread;
            let (from, to) = (NAMES + length(best), NAMES + length(worst));
            let name = escaped(name);
            writeln!(f, r#"<text x="8" y="{text:.1}">{name}</text>"#)?;
            writeln!(
                f,
                r#"<rect class="{class}" x="{NAMES}" y="{top:.1}" width="{:.1}" height="{THICK}" rx="2"/>"#,
                length(median)
            )?;
            writeln!(
                f,
                r#"<line class="spread" x1="{from:.1}" x2="{to:.1}" y1="{middle:.1}" y2="{middle:.1}"/>"#
            )?;
            let behind = to.max(NAMES + length(median)) + 8.0;
            writeln!(f, r#"<text x="{behind:.1}" y="{text:.1}">{median:.1}</text>"#)?;
        }
        writeln!(f, "</svg>")
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_median() {
        let mut chart = Chart::new("Time <of> a request", "µs");
        chart.bar("purlin", Spread { best: 10.0, median: 20.0, worst: 40.0 }, true);
        chart.bar("a peer", Spread { best: 40.0, median: 40.0, worst: 80.0 }, false);
        let text = chart.to_string();
        assert!(text.contains("Time &lt;of&gt; a request (µs), less is better"), "{text}");
        assert!(
            text.contains(r#"<rect class="bar ours" x="150" y="44.0" width="120.0""#),
            "{text}"
        );
        assert!(text.contains(r#"<rect class="bar" x="150" y="74.0" width="240.0""#), "{text}");
        assert!(text.contains(r#"x1="390.0" x2="630.0""#), "{text}");
    }
}
