//! The lines of the table of routes.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use super::Posture;

/// One line of the table of routes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteRow {
    /// The method, or `*` for all of them.
    pub method: &'static str,
    /// The path, in axum's syntax.
    pub path: String,
    /// Who may call it.
    pub posture: Posture,
    /// The permission that a caller needs.
    pub requires: Option<String>,
    /// The type of the handler, which for a function is its path.
    pub handler: String,
}

const COLUMNS: [&str; 5] = ["METHOD", "PATH", "POSTURE", "REQUIRES", "HANDLER"];

/// Writes rows below their column names.
pub(super) fn write(rows: &[RouteRow], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let cells = rows.iter().map(RouteRow::cells);
    let lines: Vec<_> = [COLUMNS].into_iter().chain(cells).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<_> = (0..COLUMNS.len()).map(|column| width(column).unwrap_or(0)).collect();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

// === impl RouteRow ===

impl RouteRow {
    /// The method and the path, as messages name a route: `DELETE /orders/{id}`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn cells(&self) -> [&str; 5] {
        let requires = self.requires.as_deref().unwrap_or("-");
        [self.method, &self.path, self.posture.name(), requires, &self.handler]
    }
}

impl From<RouteRow> for Value {
    fn from(row: RouteRow) -> Self {
        json!({
            "method": row.method,
            "path": row.path,
            "posture": row.posture.name(),
            "requires": row.requires,
            "handler": row.handler,
        })
    }
}

// === impl Posture ===

impl Serialize for Posture {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
