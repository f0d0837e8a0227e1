-- How many there are of what cannot be counted at every start: with ten million
-- people that would take seconds.
CREATE TABLE tally (
    name  TEXT    NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL CHECK (count >= 0)
) STRICT;

INSERT INTO tally (name, count) SELECT 'template', count(*) FROM template;
