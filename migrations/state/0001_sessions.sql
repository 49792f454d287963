-- Names the file as Hearth's state ("HeSt"), so that no other database is ever
-- taken for it.
PRAGMA application_id = 0x48655374;

-- Times are UTC milliseconds.

-- Sessions that outlive their connection, and those whose will must be sent if
-- the gateway falls before the client says goodbye.
CREATE TABLE sessions (
    id              INTEGER PRIMARY KEY,  -- never used twice
    client_id       TEXT NOT NULL UNIQUE,
    user            TEXT,                 -- who may come back to it; NULL is anonymous
    expiry          INTEGER NOT NULL,     -- seconds after the connection; 4294967295 is never
    disconnected_at INTEGER,              -- NULL while it is connected
    will            BLOB,                 -- a CONNECT that carries it
    doubtful        INTEGER NOT NULL      -- deliveries up to this id may have been sent before a crash
) STRICT;

CREATE TABLE subscriptions (
    session INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    filter  TEXT NOT NULL,
    options INTEGER NOT NULL,             -- as in SUBSCRIBE (MQTT 5.0, 3.8.3.1)
    id      INTEGER,                      -- Subscription Identifier
    PRIMARY KEY (session, filter)
) STRICT, WITHOUT ROWID;

-- Messages that wait for sessions, once for all of them.
CREATE TABLE messages (
    id        INTEGER PRIMARY KEY,        -- never used twice
    publisher TEXT NOT NULL,
    received  INTEGER NOT NULL,
    expires   INTEGER,                    -- by the wall clock; NULL is never
    packet    BLOB NOT NULL               -- a PUBLISH of MQTT 5.0
) STRICT;

-- What a session is still to be sent, or has not acknowledged, in the order of `id`.
CREATE TABLE deliveries (
    session          INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    id               INTEGER NOT NULL,    -- never used twice
    message          INTEGER NOT NULL,    -- of messages
    flags            INTEGER NOT NULL,    -- QoS, RETAIN, where it waits
    subscription_ids TEXT,                -- as `1,7`
    shared           TEXT,                -- the shared subscription that brought it
    sent_as          INTEGER,             -- packet id, which it has before it is sent
    sent_at          INTEGER,             -- place among those known to be in flight
    PRIMARY KEY (session, id)
) STRICT, WITHOUT ROWID;

-- Packet ids of QoS 2 messages that came in and are not released.
CREATE TABLE received (
    session   INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    packet_id INTEGER NOT NULL,
    PRIMARY KEY (session, packet_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE retained (
    topic     TEXT PRIMARY KEY,
    publisher TEXT NOT NULL,
    received  INTEGER NOT NULL,
    expires   INTEGER,
    packet    BLOB NOT NULL
) STRICT, WITHOUT ROWID;
