-- Who may come in with a user name and a password.
CREATE TABLE users (
    name TEXT PRIMARY KEY,
    hash TEXT NOT NULL                    -- argon2id, as a PHC string
) STRICT, WITHOUT ROWID;

-- Counts changes of `users`, so that a running gateway sees cheaply that there
-- was one, whoever made it.
CREATE TABLE users_revision (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    value INTEGER NOT NULL
) STRICT;
INSERT INTO users_revision (id, value) VALUES (1, 0);

CREATE TRIGGER users_added AFTER INSERT ON users
BEGIN UPDATE users_revision SET value = value + 1; END;
CREATE TRIGGER users_changed AFTER UPDATE ON users
BEGIN UPDATE users_revision SET value = value + 1; END;
CREATE TRIGGER users_removed AFTER DELETE ON users
BEGIN UPDATE users_revision SET value = value + 1; END;
