-- Live codes that have been taken, each once. Forgotten some time after they have
-- expired; nothing personal, and no row for a code that nobody has used.
CREATE TABLE live_code (
    not_after_s INTEGER NOT NULL,
    serial      INTEGER NOT NULL,
    draw        INTEGER NOT NULL,
    PRIMARY KEY (not_after_s, serial, draw)
) STRICT;
