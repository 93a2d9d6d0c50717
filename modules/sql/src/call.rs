//! One query, taken apart so that it can be looked at before it runs.

use sqlx::{Database, Execute, SqlStr, error::BoxDynError};

use crate::error::Refused;

/// A query with its arguments.
pub(crate) struct Call<DB: Database> {
    sql: SqlStr,
    statement: Option<DB::Statement>,
    arguments: Option<DB::Arguments>,
    persistent: bool,
}

/// The first word of a statement; empty when it does not begin with one.
pub(crate) fn keyword(sql: &str) -> &str {
    let sql = skip_blank(sql).trim_start_matches('(');
    words(skip_blank(sql)).next().unwrap_or_default()
}

/// Everything that looks like a word, also in strings and comments.
pub(crate) fn words(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

fn skip_blank(sql: &str) -> &str {
    let mut rest = sql.trim_start();
    loop {
        let after = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest;
        };
        rest = after.trim_start();
    }
}

// === impl Call ===

impl<DB: Database> Call<DB> {
    pub(crate) fn new<'q>(mut query: impl Execute<'q, DB>) -> sqlx::Result<Self> {
        let arguments = query.take_arguments().map_err(sqlx::Error::Encode)?;
        let (statement, persistent) = (query.statement().cloned(), query.persistent());
        let call = Self { statement, arguments, persistent, sql: query.sql() };
        call.refuse_control()?;
        Ok(call)
    }

    pub(crate) fn bare(sql: SqlStr) -> sqlx::Result<Self> {
        Self::new(sql)
    }

    pub(crate) fn sql(&self) -> &str {
        self.sql.as_str()
    }

    pub(crate) fn into_sql(self) -> SqlStr {
        self.sql
    }

    /// Whether there may be several statements. A semicolon in a string counts as well: what
    /// follows from it is only more careful.
    pub(crate) fn is_script(&self) -> bool {
        self.sql().split_once(';').is_some_and(|(_, rest)| !skip_blank(rest).is_empty())
    }

    fn refuse_control(&self) -> Result<(), Refused> {
        const CONTROL: [&str; 8] =
            ["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"];
        let (first, script) = (keyword(self.sql()), self.is_script());
        let control = CONTROL.into_iter().find(|control| first.eq_ignore_ascii_case(control));
        control.filter(|_| !script).map_or(Ok(()), |control| Err(Refused::Control(control)))
    }
}

impl<DB: Database> Execute<'_, DB> for Call<DB> {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&DB::Statement> {
        self.statement.as_ref()
    }

    fn take_arguments(&mut self) -> Result<Option<DB::Arguments>, BoxDynError> {
        Ok(self.arguments.take())
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}
