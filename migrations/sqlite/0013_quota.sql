-- What a client may ask in a minute; 0: what the settings say of its role.
ALTER TABLE client ADD COLUMN per_minute INTEGER NOT NULL DEFAULT 0;
