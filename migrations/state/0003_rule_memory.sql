-- What rules must not forget: holds, delays and waits that go on, cooldowns,
-- whether somebody has turned the rule off.
CREATE TABLE rule_memory (
    rule    TEXT PRIMARY KEY,             -- its name, as the user wrote it
    memory  TEXT NOT NULL,                -- JSON; only the rules know what is in it
    written INTEGER NOT NULL              -- as of when, UTC milliseconds
) STRICT, WITHOUT ROWID;
