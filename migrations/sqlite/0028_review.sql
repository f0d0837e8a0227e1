-- Beside the photos of a case in review: the two faces as they were compared,
-- cut out and set upright, for the officer's eyes. They go with the photos.
CREATE TABLE photo_with_faces (
    enrolment_id TEXT NOT NULL REFERENCES enrolment (id),
    kind         TEXT NOT NULL
                 CHECK (kind IN ('id_photo', 'selfie',
                                 'frame_1', 'frame_2', 'frame_3',
                                 'id_face', 'selfie_face')),
    sealed       BLOB NOT NULL,
    PRIMARY KEY (enrolment_id, kind)
) STRICT;
INSERT INTO photo_with_faces (enrolment_id, kind, sealed)
    SELECT enrolment_id, kind, sealed FROM photo;
DROP TABLE photo;
ALTER TABLE photo_with_faces RENAME TO photo;

-- What else was sent with the same ID number, for who looks at a case.
CREATE INDEX enrolment_by_person ON enrolment (id_index, created_at_s);
