-- The whole schema, for MariaDB 10.11 and for SQLite 3.40, which both load it unchanged.
--
-- Columns hold integers and bytes only: texts are UTF-8 that the program encodes, so that no
-- collation, character set or type affinity of a database ever touches a name.  Lengths are
-- in bytes, and stand in a CHECK too, because SQLite takes no notice of VARBINARY(n).
-- Times are milliseconds since 1970-01-01T00:00:00Z.
--
-- Every statement can be repeated, and schema_version has its row last: a creation that was
-- interrupted (MariaDB has no transactions for definitions) is simply done again.
--
-- Whoever changes this file adds a migration (chat/store/migrations.py) that makes the same
-- change to a database that exists; a test compares the two.


-- Which schema this is.  The first table, so that a database with other tables of ours but
-- without this one is somebody else's; without its row the creation was not finished.
CREATE TABLE IF NOT EXISTS schema_version (
    id       INTEGER NOT NULL,  -- always 1: the table has one row
    version  INTEGER NOT NULL,  -- the last migration that the database has
    CONSTRAINT schema_version_key PRIMARY KEY (id),
    CONSTRAINT schema_version_one_row CHECK (id = 1)
);


-- Who may log in.
CREATE TABLE IF NOT EXISTS account (
    folded    VARBINARY(255) NOT NULL,  -- the name in ASCII lower case: "A" and "a" are one account
    name      VARBINARY(255) NOT NULL,  -- the name as it was given, which is what others see
    password  VARBINARY(255) NOT NULL,  -- bcrypt hash; empty: the certificate alone logs in
    scram     VARBINARY(255) NOT NULL,  -- the same password's keys for SCRAM-SHA-256, as RFC 5803 writes
                                        -- them; empty: it has none, and logs in by PLAIN only
    role      VARBINARY(32) NOT NULL,   -- user, operator or admin
    created   BIGINT NOT NULL,          -- tells a name's present holder from one of before
    CONSTRAINT account_key PRIMARY KEY (folded),
    CONSTRAINT account_folded_length CHECK (LENGTH(folded) BETWEEN 1 AND 255),
    CONSTRAINT account_name_length CHECK (LENGTH(name) BETWEEN 1 AND 255),
    CONSTRAINT account_password_length CHECK (LENGTH(password) <= 255),
    CONSTRAINT account_scram_length CHECK (LENGTH(scram) <= 255),
    CONSTRAINT account_role_length CHECK (LENGTH(role) BETWEEN 1 AND 32)
);


-- Who may bring in a device, once.
CREATE TABLE IF NOT EXISTS invitation (
    id       VARBINARY(32) NOT NULL,   -- the public key that proves that one has the code: the code
                                       -- itself is not here
    account  VARBINARY(255) NOT NULL,  -- whose device it will be; the account may not exist yet
    device   VARBINARY(255) NOT NULL,  -- the device's name in the certificate
    role     VARBINARY(32) NOT NULL,   -- of the account, where it is made
    created  BIGINT NOT NULL,
    expires  BIGINT NOT NULL,          -- from then on it counts no more, and is removed some time later
    used     BIGINT,                   -- when it was used up
    CONSTRAINT invitation_key PRIMARY KEY (id),
    CONSTRAINT invitation_id_length CHECK (LENGTH(id) = 32),
    CONSTRAINT invitation_account_length CHECK (LENGTH(account) BETWEEN 1 AND 255),
    CONSTRAINT invitation_device_length CHECK (LENGTH(device) BETWEEN 1 AND 255),
    CONSTRAINT invitation_role_length CHECK (LENGTH(role) BETWEEN 1 AND 32)
);


-- The log: everything that happened and that outlives its moment.  History is a query of it.
CREATE TABLE IF NOT EXISTS event (
    sequence  BIGINT NOT NULL,          -- the place in the order: dense, from 1, given under the lock of
                                        -- log_position (an AUTO_INCREMENT becomes visible out of order)
    uid       VARBINARY(64) NOT NULL,   -- the entry's id, made before it is written: an append is
                                        -- repeated without harm; for a message it is the msgid
    time      BIGINT NOT NULL,          -- when it was decided, which is the time that clients see
    kind      VARBINARY(32) NOT NULL,   -- the class of the event, by which the payload is read
    channel   VARBINARY(255),           -- folded name of the room where it happened: the room's history
    lesser    VARBINARY(255),           -- the two folded accounts of a direct message, the lesser one in
    greater   VARBINARY(255),           -- byte order first: a conversation has one key from both sides
    payload   BLOB NOT NULL,            -- the event's fields as JSON, which may grow fields without
                                        -- a migration
    layer     INTEGER,                  -- which pages of history show it: 0 all, 1 those with event-playback
                                        -- too, 2 none any more (it was redacted), NULL: it never was history
    CONSTRAINT event_key PRIMARY KEY (sequence),
    CONSTRAINT event_uid UNIQUE (uid),
    CONSTRAINT event_sequence_dense CHECK (sequence > 0),
    CONSTRAINT event_uid_length CHECK (LENGTH(uid) BETWEEN 1 AND 64),
    CONSTRAINT event_kind_length CHECK (LENGTH(kind) BETWEEN 1 AND 32),
    CONSTRAINT event_channel_length CHECK (LENGTH(channel) BETWEEN 1 AND 255),
    CONSTRAINT event_lesser_length CHECK (LENGTH(lesser) BETWEEN 1 AND 255),
    CONSTRAINT event_greater_length CHECK (LENGTH(greater) BETWEEN 1 AND 255),
    CONSTRAINT event_payload_length CHECK (LENGTH(payload) <= 65535),
    CONSTRAINT event_conversation CHECK ((lesser IS NULL) = (greater IS NULL))
);

-- A page of a room's history: the layer stands before the sequence, so that a page of messages
-- never walks over a million joins and parts.
CREATE INDEX IF NOT EXISTS event_by_channel ON event (channel, layer, sequence);
-- A page of a conversation's history; with the next one, whom an account talked with.
CREATE INDEX IF NOT EXISTS event_by_conversation ON event (lesser, greater, layer, sequence);
CREATE INDEX IF NOT EXISTS event_by_greater ON event (greater, lesser);
-- Where in the log a moment is, for every room; and what is old enough to go.
CREATE INDEX IF NOT EXISTS event_by_time ON event (layer, time, sequence);


-- The end of the log.  Who appends locks the row first, and so the order is total and dense
-- with any number of writers.
CREATE TABLE IF NOT EXISTS log_position (
    id        INTEGER NOT NULL,  -- always 1: the table has one row
    sequence  BIGINT NOT NULL,   -- of the last event; 0 in a new log
    CONSTRAINT log_position_key PRIMARY KEY (id),
    CONSTRAINT log_position_one_row CHECK (id = 1)
);
INSERT INTO log_position (id, sequence)
    SELECT 1, 0 WHERE NOT EXISTS (SELECT 1 FROM log_position);


-- Channels and bans as they are after the event at the checkpoint's sequence, so that a
-- start reads the rest of the log and not all of it.
CREATE TABLE IF NOT EXISTS record (
    kind  VARBINARY(32) NOT NULL,   -- channel, ban, markers, ...: the class of data
    name  VARBINARY(255) NOT NULL,  -- in lower case, as the casemapping has it
    data  MEDIUMBLOB NOT NULL,      -- the fields as JSON: read and written whole
    CONSTRAINT record_key PRIMARY KEY (kind, name),
    CONSTRAINT record_kind_length CHECK (LENGTH(kind) BETWEEN 1 AND 32),
    CONSTRAINT record_name_length CHECK (LENGTH(name) BETWEEN 1 AND 255),
    CONSTRAINT record_data_length CHECK (LENGTH(data) <= 16777215)
);
CREATE TABLE IF NOT EXISTS checkpoint (
    id        INTEGER NOT NULL,  -- always 1: the table has one row
    sequence  BIGINT NOT NULL,   -- the last event that the records contain
    CONSTRAINT checkpoint_key PRIMARY KEY (id),
    CONSTRAINT checkpoint_one_row CHECK (id = 1)
);
INSERT INTO checkpoint (id, sequence)
    SELECT 1, 0 WHERE NOT EXISTS (SELECT 1 FROM checkpoint);


-- The directory of end-to-end encryption: the devices that published their keys.  What clients
-- give to it and send through it is opaque to the server (docs/extensions.md).
CREATE TABLE IF NOT EXISTS e2e_device (
    account      VARBINARY(255) NOT NULL,  -- in lower case, as in the table of accounts
    device       VARBINARY(255) NOT NULL,  -- in lower case, too
    name         VARBINARY(511) NOT NULL,  -- both as the certificate has them, account/device
    bundle       BLOB NOT NULL,            -- what it published
    certificate  VARBINARY(64) NOT NULL,   -- the fingerprint of the certificate with which it did: with
                                           -- that one revoked or removed, all of the device's goes
    expires      BIGINT NOT NULL,          -- when that certificate ends: long after that the row goes
    position     BIGINT NOT NULL,          -- of the last payload for it.  A new row begins at the time, so
                                           -- that a device that comes back has no position twice
    CONSTRAINT e2e_device_key PRIMARY KEY (account, device),
    CONSTRAINT e2e_device_account_length CHECK (LENGTH(account) BETWEEN 1 AND 255),
    CONSTRAINT e2e_device_device_length CHECK (LENGTH(device) BETWEEN 1 AND 255),
    CONSTRAINT e2e_device_name_length CHECK (LENGTH(name) BETWEEN 1 AND 511),
    CONSTRAINT e2e_device_bundle_length CHECK (LENGTH(bundle) <= 65535),
    CONSTRAINT e2e_device_certificate_length CHECK (LENGTH(certificate) <= 64)
);


-- The keys with which others begin sessions with a device.  A one-time key is given to one of them:
-- its row stays for a while, so that it is not given once more when it is uploaded once more.
CREATE TABLE IF NOT EXISTS e2e_key (
    account   VARBINARY(255) NOT NULL,  -- with device: whose it is, as in e2e_device
    device    VARBINARY(255) NOT NULL,
    digest    VARBINARY(32) NOT NULL,   -- SHA-256 of the public key, by which it is known again
    id        VARBINARY(64) NOT NULL,   -- how the device calls it
    fallback  INTEGER NOT NULL,         -- 1: given again and again, when no other is left; 0: given once
    number    BIGINT NOT NULL,          -- the order of uploading, in which keys are given
    given     BIGINT,                   -- when it was given, or made way for newer ones; NULL: it is there
    data      VARBINARY(2048) NOT NULL, -- all of the key, and empty once it was given
    CONSTRAINT e2e_key_key PRIMARY KEY (account, device, digest),
    CONSTRAINT e2e_key_digest_length CHECK (LENGTH(digest) = 32),
    CONSTRAINT e2e_key_id_length CHECK (LENGTH(id) BETWEEN 1 AND 64),
    CONSTRAINT e2e_key_fallback_value CHECK (fallback IN (0, 1)),
    CONSTRAINT e2e_key_data_length CHECK (LENGTH(data) <= 2048)
);
-- The next key to give, and how many are left.
CREATE INDEX IF NOT EXISTS e2e_key_by_number
    ON e2e_key (account, device, fallback, number);


-- What waits for a device until it says that it has it.
CREATE TABLE IF NOT EXISTS e2e_payload (
    account   VARBINARY(255) NOT NULL,  -- with device: who receives it, as in e2e_device
    device    VARBINARY(255) NOT NULL,
    position  BIGINT NOT NULL,          -- the order for its receiver, who acknowledges up to one
    sender    VARBINARY(511) NOT NULL,  -- account/device of the sender's certificate
    id        VARBINARY(64) NOT NULL,   -- how the sender calls it: who sends it again sends it once
    time      BIGINT NOT NULL,          -- when it came: after some days nobody waits for it any more
    data      BLOB NOT NULL,
    CONSTRAINT e2e_payload_key PRIMARY KEY (account, device, position),
    CONSTRAINT e2e_payload_id UNIQUE (account, device, sender, id),
    CONSTRAINT e2e_payload_sender_length CHECK (LENGTH(sender) BETWEEN 1 AND 511),
    CONSTRAINT e2e_payload_id_length CHECK (LENGTH(id) BETWEEN 1 AND 64),
    CONSTRAINT e2e_payload_data_length CHECK (LENGTH(data) <= 65535)
);
-- What is old enough to go.
CREATE INDEX IF NOT EXISTS e2e_payload_by_time ON e2e_payload (time);


INSERT INTO schema_version (id, version)
    SELECT 1, 2 WHERE NOT EXISTS (SELECT 1 FROM schema_version);
