//! SQLite for Purlin: WAL, one writer, ambient transactions, migrations.
