-- Who tried to enrol when, for counting a person's attempts of one day. Apart
-- from the enrolments, because erasing one must not give the attempt back.
-- person: a MAC of the ID number that stands nowhere else. Purged after a day.
CREATE TABLE attempt (
    enrolment_id TEXT    NOT NULL PRIMARY KEY,
    person     BLOB    NOT NULL CHECK (length(person) = 32),
    made_at_s    INTEGER NOT NULL
) STRICT;

CREATE INDEX attempt_by_person ON attempt (person, made_at_s);
CREATE INDEX attempt_by_time ON attempt (made_at_s);

DROP INDEX enrolment_by_person;
