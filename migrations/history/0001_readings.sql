-- Names the file as Hearth's history ("HeHi"), so that no other database is
-- ever taken for it.
PRAGMA application_id = 0x48654869;

CREATE TABLE series (
    id           INTEGER PRIMARY KEY,
    topic        TEXT NOT NULL UNIQUE,
    unit         TEXT,
    device_class TEXT
) STRICT;

-- Clustered by series and time: a chart reads one stretch of neighbouring pages.
CREATE TABLE readings (
    series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    at     INTEGER NOT NULL,  -- UTC milliseconds
    nth    INTEGER NOT NULL,  -- 0, 1, … for readings of the same millisecond
    number REAL,
    text   TEXT,              -- `on`, `off`, or what else is no number
    PRIMARY KEY (series, at, nth),
    CHECK ((number IS NULL) <> (text IS NULL))
) STRICT, WITHOUT ROWID;
