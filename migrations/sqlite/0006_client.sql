-- Clients are granted purposes by name, because what purposes there are is a
-- matter of settings: names with one space between them. party: for whom a
-- clerk asks. networks: where the key may be used, '' for anywhere.
ALTER TABLE client ADD COLUMN purpose_names TEXT NOT NULL DEFAULT '';
ALTER TABLE client ADD COLUMN party TEXT NOT NULL DEFAULT '';
ALTER TABLE client ADD COLUMN networks TEXT NOT NULL DEFAULT '';

-- Until now they were bits of a fixed list.
UPDATE client SET party = name WHERE role = 'clerk';
UPDATE client SET purpose_names = trim(
    CASE WHEN (purposes & 1) <> 0 THEN 'household_registration ' ELSE '' END ||
    CASE WHEN (purposes & 2) <> 0 THEN 'bank_account ' ELSE '' END ||
    CASE WHEN (purposes & 4) <> 0 THEN 'train_ticket ' ELSE '' END ||
    CASE WHEN (purposes & 8) <> 0 THEN 'drivers_licence ' ELSE '' END ||
    CASE WHEN (purposes & 16) <> 0 THEN 'hotel_check_in ' ELSE '' END ||
    CASE WHEN (purposes & 32) <> 0 THEN 'security_check ' ELSE '' END ||
    CASE WHEN (purposes & 64) <> 0 THEN 'emergency_service ' ELSE '' END ||
    CASE WHEN (purposes & 128) <> 0 THEN 'immigration_service ' ELSE '' END);
ALTER TABLE client DROP COLUMN purposes;
