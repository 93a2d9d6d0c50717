//! Logs and metrics of a Purlin application.
