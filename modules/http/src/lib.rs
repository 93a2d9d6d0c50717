//! HTTP for Purlin on axum: decided routes, problem details, limits and drain.
