CREATE TABLE order_history (
    order_id TEXT NOT NULL REFERENCES orders (id),
    status   TEXT NOT NULL,
    at       TEXT NOT NULL
) STRICT;
