-- Hearth's history in PostgreSQL. A database, or a schema of one, belongs to one house.

CREATE TABLE series (
    id           INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic        TEXT NOT NULL UNIQUE,
    unit         TEXT,
    device_class TEXT,
    -- How many of `samples` there are of each kind; to count them takes too long for a page.
    numbers      BIGINT NOT NULL DEFAULT 0,
    switches     BIGINT NOT NULL DEFAULT 0,
    texts        BIGINT NOT NULL DEFAULT 0
);

-- A chart reads one stretch of one series: the key is the way to it.
CREATE TABLE samples (
    series   INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    at       TIMESTAMPTZ NOT NULL,
    nth      INTEGER NOT NULL,   -- 0, 1, … for samples of the same millisecond
    number   DOUBLE PRECISION,   -- one of these three
    switch   BOOLEAN,
    text     TEXT,
    clock    SMALLINT NOT NULL,  -- who told `at`: 0 a clock that nobody had set, 1 one with a battery, 2 the network
    boot     BIGINT,             -- the board's own count, where it counts
    sequence BIGINT,
    PRIMARY KEY (series, at, nth),
    CHECK (num_nonnulls(number, switch, text) = 1),
    CHECK ((boot IS NULL) = (sequence IS NULL))
);

-- Finds what has come before.
CREATE INDEX samples_by_origin ON samples (series, boot, sequence) WHERE boot IS NOT NULL;

CREATE TABLE minutes (
    series   INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    start    TIMESTAMPTZ NOT NULL,
    count    BIGINT NOT NULL,
    min      DOUBLE PRECISION NOT NULL,  -- on and off count as 1 and 0
    max      DOUBLE PRECISION NOT NULL,
    mean     DOUBLE PRECISION NOT NULL,
    last     DOUBLE PRECISION NOT NULL,
    sum      DOUBLE PRECISION NOT NULL,
    exact    BIGINT,                     -- the sum without rounding: an integer with so many decimals
    decimals SMALLINT,
    PRIMARY KEY (series, start)
);

CREATE TABLE hours (
    series   INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    start    TIMESTAMPTZ NOT NULL,
    count    BIGINT NOT NULL,
    min      DOUBLE PRECISION NOT NULL,
    max      DOUBLE PRECISION NOT NULL,
    mean     DOUBLE PRECISION NOT NULL,
    last     DOUBLE PRECISION NOT NULL,
    sum      DOUBLE PRECISION NOT NULL,
    exact    BIGINT,
    decimals SMALLINT,
    PRIMARY KEY (series, start)
);

-- Which blocks of a gateway's log are in `samples`: written together with them, so that a
-- gateway that does not know how its last transaction ended finds out.
CREATE TABLE blocks (
    block     BIGINT NOT NULL,
    committed TIMESTAMPTZ NOT NULL,             -- by the gateway, to its own disk
    boot      BYTEA NOT NULL,                   -- of the gateway's computer
    taken     TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (block, committed, boot)
);

-- For people.
CREATE VIEW readings AS
    SELECT topic, at, number,
        CASE WHEN switch IS NULL THEN text WHEN switch THEN 'on' ELSE 'off' END AS text,
        unit
    FROM samples JOIN series ON series.id = samples.series;
