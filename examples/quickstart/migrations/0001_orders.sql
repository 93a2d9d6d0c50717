CREATE TABLE orders (
    id           TEXT    PRIMARY KEY,
    customer     TEXT    NOT NULL,
    amount_cents INTEGER NOT NULL CHECK (amount_cents > 0),
    status       TEXT    NOT NULL CHECK (status IN ('new', 'confirmed')),
    created_at   TEXT    NOT NULL
) STRICT;

CREATE INDEX orders_new ON orders (id) WHERE status = 'new';
