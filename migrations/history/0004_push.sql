-- What is pushed to another database, as [history.influx] asks for: one row, or none where
-- nobody does.
CREATE TABLE push (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    block    INTEGER NOT NULL,  -- all blocks up to this one were pushed; a few later ones may be pushed twice
    turns    TEXT NOT NULL,     -- how many samples of a millisecond were, see influx/turns.rs
    most     INTEGER NOT NULL,  -- bytes that `to_push` may hold
    given_up INTEGER NOT NULL   -- samples that were dropped since it held more
) STRICT;

-- Blocks that have left the log, their times put right, and are still to be pushed.
CREATE TABLE to_push (
    id      INTEGER PRIMARY KEY,  -- as in `blocks`
    samples INTEGER NOT NULL,
    size    INTEGER NOT NULL,     -- in bytes
    bytes   BLOB NOT NULL
) STRICT;

-- Holds what is summed up, so that bytes are not walked past.
CREATE INDEX to_push_sizes ON to_push (id, samples, size);
