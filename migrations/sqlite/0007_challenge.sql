-- Active challenges: turns of the head drawn by lot, for one client, once.
-- enrolment_id: what used it, or ''. Expired ones are purged.
CREATE TABLE challenge (
    id           TEXT    NOT NULL PRIMARY KEY,
    client_id    TEXT    NOT NULL,
    steps        TEXT    NOT NULL,
    made_at_s    INTEGER NOT NULL,
    expires_at_s INTEGER NOT NULL,
    enrolment_id TEXT    NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX challenge_by_expiry ON challenge (expires_at_s);

-- What was asked, and what was measured: words and numbers, '' for none.
ALTER TABLE enrolment ADD COLUMN challenge TEXT NOT NULL DEFAULT '';

-- Photos get the frames of a challenge beside them.
CREATE TABLE photo_with_frames (
    enrolment_id TEXT NOT NULL REFERENCES enrolment (id),
    kind         TEXT NOT NULL
                 CHECK (kind IN ('id_photo', 'selfie',
                                 'frame_1', 'frame_2', 'frame_3')),
    sealed       BLOB NOT NULL,
    PRIMARY KEY (enrolment_id, kind)
) STRICT;
INSERT INTO photo_with_frames (enrolment_id, kind, sealed)
    SELECT enrolment_id, kind, sealed FROM photo;
DROP TABLE photo;
ALTER TABLE photo_with_frames RENAME TO photo;
