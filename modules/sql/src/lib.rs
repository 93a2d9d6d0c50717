//! SQL for Purlin on sqlx: one executor handle with ambient transactions, shared by all engines.
