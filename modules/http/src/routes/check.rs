//! What is wrong with a table of routes, found before axum meets it: axum panics.

use std::{collections::HashMap, fmt};

use matchit::InsertError;

use super::{Posture, Row, foreign::Foreign};

/// One thing that keeps routes from being served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {fix}")]
pub struct RouteProblem {
    /// What is wrong, with the routes by name.
    pub what: String,
    /// What to change.
    pub fix: String,
}

/// The routes cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidRoutes(pub Vec<RouteProblem>);

/// The route of each path that has been looked at, in a matcher like axum's.
#[derive(Default)]
struct Paths {
    matcher: matchit::Router<()>,
    names: HashMap<String, String>,
}

pub(super) fn problems<S>(rows: &[Row<S>], foreign: &[Foreign<S>]) -> Vec<RouteProblem> {
    let mut problems = Vec::new();
    let mut paths = Paths::default();
    let mut handlers: HashMap<(&str, &str), &str> = HashMap::new();
    for row in rows {
        let name = row.describe().name();
        if let Err(problem) = paths.add(&row.path, &row.path, &name) {
            problems.push(problem);
            continue;
        }
        if let Some(first) = handlers.insert((row.entry.method, &row.path), row.entry.handler) {
            let second = row.entry.handler;
            problems.push(RouteProblem {
                what: format!("`{name}` has two handlers: `{first}` and `{second}`"),
                fix: "remove one of them, or give it another path".to_owned(),
            });
        }
        if let (Posture::Public, Some(permission)) = (row.posture, &row.entry.requires) {
            problems.push(RouteProblem {
                what: format!("`{name}` is public and requires `{permission}`"),
                fix: "add it with `.secured(..)`, or drop `.requires(..)`".to_owned(),
            });
        }
    }
    problems.extend(of_routers(foreign));
    problems
}

/// Axum routers lie behind the table, so that they can only be in the way of each other.
fn of_routers<S>(foreign: &[Foreign<S>]) -> Vec<RouteProblem> {
    let mut problems = Vec::new();
    let mut paths = Paths::default();
    let mut at_root = false;
    for router in foreign {
        let (prefix, name) = (&router.prefix, router.describe().handler);
        if matches!(prefix.as_str(), "" | "/") {
            if std::mem::replace(&mut at_root, true) {
                problems.push(RouteProblem {
                    what: format!("the axum router of `{name}` is the second one at `/`"),
                    fix: "merge the two in axum, or put one below a prefix with `.nest(..)`"
                        .to_owned(),
                });
            }
        } else if prefix.split('/').any(|segment| segment.starts_with("{*")) {
            problems.push(RouteProblem {
                what: format!("the axum router of `{name}` is nested at the wildcard `{prefix}`"),
                fix: "nest it at a path without `{*..}`".to_owned(),
            });
        } else {
            let below = format!("{}/{{*rest}}", prefix.trim_end_matches('/'));
            problems
                .extend(paths.add(prefix, &below, &format!("the axum router of `{name}`")).err());
        }
    }
    problems
}

// === impl Paths ===

impl Paths {
    /// Adds `pattern`, which `name` asks for by writing `path`.
    fn add(&mut self, path: &str, pattern: &str, name: &str) -> Result<(), RouteProblem> {
        let invalid = |why: &str, fix: &str| RouteProblem {
            what: format!("the path of `{name}` is not valid: {why}"),
            fix: fix.to_owned(),
        };
        if !path.starts_with('/') {
            return Err(invalid("it does not begin with `/`", &format!("write `/{path}`")));
        }
        for segment in path.split('/') {
            if let Some(name) = segment.strip_prefix(':') {
                return Err(invalid(
                    "`:` is the syntax of axum 0.7",
                    &format!("write `{{{name}}}`"),
                ));
            }
            if let Some(name) = segment.strip_prefix('*') {
                return Err(invalid(
                    "`*` is the syntax of axum 0.7",
                    &format!("write `{{*{name}}}`"),
                ));
            }
        }
        if self.names.contains_key(pattern) {
            return if pattern == path { Ok(()) } else { Err(clash(name, &self.names[pattern])) };
        }
        match self.matcher.insert(pattern, ()) {
            Ok(()) => {
                self.names.insert(pattern.to_owned(), name.to_owned());
                Ok(())
            }
            Err(InsertError::Conflict { with }) => {
                Err(clash(name, self.names.get(&with).unwrap_or(&with)))
            }
            Err(InsertError::InvalidCatchAll) => {
                Err(invalid("a wildcard is not at its end", "move `{*..}` to the end"))
            }
            Err(InsertError::InvalidParamSegment) => Err(invalid(
                "a parameter is followed by text in its segment, or by another one",
                "put each parameter at the end of a segment of its own",
            )),
            Err(error) => Err(invalid(
                &format!("{error}").to_lowercase(),
                "write a parameter as `{name}`, and a brace as `{{` or `}}`",
            )),
        }
    }
}

fn clash(one: &str, other: &str) -> RouteProblem {
    RouteProblem {
        what: format!("`{one}` and `{other}` cannot be told apart"),
        fix: "give their parameters the same names, or one of them another path".to_owned(),
    }
}

// === impl InvalidRoutes ===

impl fmt::Display for InvalidRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&problems.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;

    use crate::routes::{Posture, Routes, any, get, head, post};

    async fn handler() {}

    fn problems(routes: Routes) -> Vec<String> {
        routes.problems().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_problems_are_found_at_once() {
        let found = problems(
            Routes::new()
                .public("/a/{id}", get(handler))
                .public("/a/{name}", post(handler))
                .public("/b", get(handler).get(handler))
                .public("c", get(handler))
                .public("/:id", get(handler))
                .public("/{*rest}/end", get(handler))
                .public("/{one}{two}", get(handler))
                .public("/{", get(handler))
                .public("/d", get(handler).requires("d:read")),
        );
        let expected = [
            "`POST /a/{name}` and `GET /a/{id}` cannot be told apart",
            "`GET /b` has two handlers",
            "the path of `GET c` is not valid: it does not begin with `/`; write `/c`",
            "`:` is the syntax of axum 0.7; write `{id}`",
            "a wildcard is not at its end",
            "a parameter is followed by text in its segment",
            "the path of `GET /{` is not valid",
            "`GET /d` is public and requires `d:read`",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found}\n{expected}");
        }
    }

    #[test]
    fn what_axum_can_tell_apart_is_no_problem() {
        let routes = Routes::new()
            .public("/", get(handler))
            .public("/a/{id}", get(handler).post(handler))
            .public("/a/{id}", any(handler))
            .secured("/a/{id}", head(handler))
            .public("/a/static", get(handler))
            .public("/{*rest}", get(handler))
            .nest("/n", Routes::new().public("/", get(handler)).public("/x", get(handler)));
        assert_eq!(problems(routes), Vec::<String>::new());
    }

    #[test]
    fn axum_routers_may_not_hide_each_other() {
        let router = || Routes::<()>::from_axum(Posture::Public, Router::new);
        let found = problems(
            router()
                .merge(router())
                .nest("/a", router())
                .nest("/a", router())
                .nest("/{*b}", router()),
        );
        assert!(found[0].contains("is the second one at `/`"), "{found:?}");
        assert!(found[1].contains("cannot be told apart"), "{found:?}");
        assert!(found[2].contains("is nested at the wildcard `/{*b}`"), "{found:?}");
        assert_eq!(found.len(), 3);
    }
}
