-- The log: each commit appends one block with the samples of all series.
CREATE TABLE blocks (
    id    INTEGER PRIMARY KEY,  -- only grows; no id is ever used again, see log.sealed
    bytes BLOB NOT NULL
) STRICT;

-- What is known of the log, in one row.
CREATE TABLE log (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    sealed         INTEGER NOT NULL,  -- the last block that went to the shelves
    changes        INTEGER NOT NULL,  -- grows when a series is removed: ids that are remembered may be wrong
    -- The last row of `readings` that was carried over.
    carried_series INTEGER NOT NULL,
    carried_at     INTEGER NOT NULL,
    carried_nth    INTEGER NOT NULL
) STRICT;
INSERT INTO log VALUES (1, 0, 0, 0, 0, 0);

-- The shelves. Chunks of one series do not overlap, and none goes past midnight of UTC.
CREATE TABLE chunks (
    id       INTEGER PRIMARY KEY,
    series   INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    first    INTEGER NOT NULL,  -- UTC milliseconds of the first and the last sample
    last     INTEGER NOT NULL,
    numbers  INTEGER NOT NULL,  -- how many samples of each kind
    switches INTEGER NOT NULL,
    texts    INTEGER NOT NULL,
    size     INTEGER NOT NULL,  -- in bytes
    bytes    BLOB NOT NULL
) STRICT;

-- Holds what is asked of many chunks, so that their bytes are not walked past.
CREATE INDEX chunks_by_time ON chunks (series, first, last, numbers, switches, texts, size);

-- The minutes of one hour of one series.
CREATE TABLE minutes (
    series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    start  INTEGER NOT NULL,  -- UTC milliseconds
    bytes  BLOB NOT NULL,
    PRIMARY KEY (series, start)
) STRICT, WITHOUT ROWID;

-- The hours of eight days of one series: as many as fit in a page beside others.
CREATE TABLE hours (
    series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    start  INTEGER NOT NULL,
    bytes  BLOB NOT NULL,
    PRIMARY KEY (series, start)
) STRICT, WITHOUT ROWID;

-- What could not be read and was set aside, so that the rest can be.
CREATE TABLE damaged (
    id     INTEGER PRIMARY KEY,
    series INTEGER REFERENCES series (id) ON DELETE CASCADE,  -- null for a block
    first  INTEGER,
    last   INTEGER,
    reason TEXT NOT NULL,
    bytes  BLOB NOT NULL
) STRICT;
