PRAGMA page_size=4096;
PRAGMA writable_schema=ON;
BEGIN TRANSACTION;
DROP TABLE IF EXISTS authenticators;
CREATE TABLE authenticators (
    seq integer primary key autoincrement,
    project_id text not null,
    id text not null,
    user_id text not null,
    type text not null,
    secret text not null,
    verified smallint not null default 0,
    last_step bigint,
    created_at bigint not null,
    updated_at bigint not null,
    foreign key (project_id, user_id) references users (project_id, id) on delete cascade
);
CREATE UNIQUE INDEX authenticators_user on authenticators (project_id, user_id, type);
DROP TABLE IF EXISTS identities;
CREATE TABLE identities (
    seq integer primary key autoincrement,
    project_id text not null,
    id text not null,
    user_id text not null,
    provider text not null,
    provider_uid text not null,
    provider_uid_key text not null,
    provider_email text,
    provider_access_token text not null default '',
    provider_access_token_expiry bigint,
    provider_refresh_token text not null default '',
    search text not null default '',
    created_at bigint not null,
    updated_at bigint not null,
    foreign key (project_id, user_id) references users (project_id, id) on delete cascade
);
CREATE INDEX identities_created_at on identities (project_id, created_at, seq);
CREATE INDEX identities_expiry on identities (project_id, provider_access_token_expiry, seq);
CREATE UNIQUE INDEX identities_id on identities (project_id, id);
CREATE UNIQUE INDEX identities_provider on identities (project_id, provider, provider_uid);
CREATE INDEX identities_provider_email on identities (project_id, provider_email, seq);
CREATE INDEX identities_provider_order on identities (project_id, provider, seq);
CREATE INDEX identities_provider_uid on identities (project_id, provider_uid_key, seq);
CREATE INDEX identities_seq on identities (project_id, seq);
CREATE INDEX identities_updated_at on identities (project_id, updated_at, seq);
CREATE INDEX identities_user on identities (project_id, user_id, seq);
DROP TABLE IF EXISTS keys;
CREATE TABLE keys (
    seq integer primary key autoincrement,
    project_id text not null references projects (id) on delete cascade,
    id text not null,
    name text not null,
    digest text not null,
    scopes text not null,
    expire_at bigint,
    accessed_at bigint,
    created_at bigint not null
);
INSERT INTO keys VALUES(1,'default','ce57c22a6c50f55f2db6','first key','989af989fa16988b4fd1064ad16dd03c4737ad33be94fc9d10a398ca2a3dcb70','["sessions.write","users.read","users.write","teams.read","teams.write","databases.read","databases.write","collections.read","collections.write","attributes.read","attributes.write","indexes.read","indexes.write","documents.read","documents.write","files.read","files.write","buckets.read","buckets.write","functions.read","functions.write","sites.read","sites.write","log.read","log.write","execution.read","execution.write","locale.read","avatars.read","health.read","providers.read","providers.write","messages.read","messages.write","topics.read","topics.write","subscribers.read","subscribers.write","targets.read","targets.write","rules.read","rules.write","migrations.read","migrations.write","vcs.read","vcs.write","assistant.read","tokens.read","tokens.write"]',NULL,1795628642179,1795628641956);
CREATE UNIQUE INDEX keys_digest on keys (digest);
CREATE UNIQUE INDEX keys_id on keys (project_id, id);
DROP TABLE IF EXISTS logs;
CREATE TABLE logs (
    seq integer primary key autoincrement,
    project_id text not null,
    actor_type text not null,
    actor_id text not null,
    user_seq bigint,
    event text not null,
    resource text not null,
    mode text not null default 'default',
    ip text not null default '',
    user_agent text not null default '',
    country_code text not null default '--',
    created_at bigint not null
);
INSERT INTO logs VALUES(1,'default','app','ce57c22a6c50f55f2db6',NULL,'user.create','user/mira','default','127.0.0.1','python-httpx/0.28.1','--',1795628642375);
INSERT INTO logs VALUES(2,'default','app','ce57c22a6c50f55f2db6',NULL,'user.create','user/anton','default','127.0.0.1','python-httpx/0.28.1','--',1795628642527);
INSERT INTO logs VALUES(3,'default','app','ce57c22a6c50f55f2db6',NULL,'user.create','user/zoe','default','127.0.0.1','python-httpx/0.28.1','--',1795628642610);
INSERT INTO logs VALUES(4,'default','app','ce57c22a6c50f55f2db6',NULL,'user.update','user/mira','default','127.0.0.1','python-httpx/0.28.1','--',1795628642622);
INSERT INTO logs VALUES(5,'default','app','ce57c22a6c50f55f2db6',NULL,'user.update','user/mira','default','127.0.0.1','python-httpx/0.28.1','--',1795628642656);
INSERT INTO logs VALUES(6,'default','app','ce57c22a6c50f55f2db6',NULL,'user.update','user/mira','default','127.0.0.1','python-httpx/0.28.1','--',1795628642664);
INSERT INTO logs VALUES(7,'default','app','ce57c22a6c50f55f2db6',NULL,'session.create','user/mira/session/d991a24cbeea5484f273','default','127.0.0.1','python-httpx/0.28.1','--',1795628642666);
INSERT INTO logs VALUES(8,'default','app','ce57c22a6c50f55f2db6',NULL,'tokens.create','user/anton/token/6de90cd50687daeece9a','default','127.0.0.1','python-httpx/0.28.1','--',1795628642667);
CREATE INDEX logs_user on logs (project_id, user_seq, seq) where user_seq is not null;
DROP TABLE IF EXISTS memberships;
CREATE TABLE memberships (
    seq integer primary key autoincrement,
    project_id text not null,
    id text not null,
    team_id text not null,
    user_id text not null,
    roles text not null default '[]',
    digest text,
    confirm smallint not null default 0,
    invited_at bigint not null,
    joined_at bigint,
    search text not null default '',
    created_at bigint not null,
    updated_at bigint not null,
    foreign key (project_id, user_id) references users (project_id, id) on delete cascade,
    foreign key (project_id, team_id) references teams (project_id, id) on delete cascade
);
CREATE UNIQUE INDEX memberships_id on memberships (project_id, id);
CREATE UNIQUE INDEX memberships_member on memberships (project_id, team_id, user_id);
CREATE INDEX memberships_team on memberships (project_id, team_id, seq);
CREATE INDEX memberships_user on memberships (project_id, user_id, seq);
DROP TABLE IF EXISTS migrations;
CREATE TABLE migrations (name text primary key, applied_at text not null);
INSERT INTO migrations VALUES('0001_users','2026-11-25 17:44:01');
INSERT INTO migrations VALUES('0002_search','2026-11-25 17:44:01');
DROP TABLE IF EXISTS projects;
CREATE TABLE projects (
    id text primary key,
    name text not null,
    settings text not null default '{}',
    signing_key text not null,
    created_at bigint not null,
    updated_at bigint not null
);
INSERT INTO projects VALUES('default','Default','{}','v1.e88caf36.SbKdhtT7hVS6VchTrv6Q_LvihykintUUBAs13QShoS7EKl3tHmLFCI0gmaFubFZcUy0JuADtMmBiKGmoYNGT6FfvSid7t4mbm69PskPpG2JCNx6PX6srpFe6uTTFePMhbSzOJKhtO-qDC1RBi_205_xHNvSRS8JYP9DGYLqSt4WC0BHyM9F3fm-FNkp8mVgdx9u_YGio3Edvst5qHI7BjudOS9usA0lFQn52Xtu-gBSAszTXojDnUkCtY3SMPcuDVXr_bDJPGklgjzjbAlwtybi_x27Uw90Jm-m5OkxbXdKKe9tBbT93btqKNHg0L7Ix1JHT4JnqsmTss2TlPUMUbZDPOa8YfV3xZk1nV5A=',1795628641956,1795628641956);
DROP TABLE IF EXISTS sessions;
CREATE TABLE sessions (
    seq integer primary key autoincrement,
    project_id text not null,
    id text not null,
    user_id text not null,
    digest text not null,
    provider text not null,
    provider_uid text not null default '',
    provider_access_token text not null default '',
    provider_access_token_expiry bigint,
    provider_refresh_token text not null default '',
    ip text not null default '',
    user_agent text not null default '',
    country_code text not null default '--',
    factors text not null default '[]',
    mfa_updated_at bigint,
    expire_at bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    foreign key (project_id, user_id) references users (project_id, id) on delete cascade
);
INSERT INTO sessions VALUES(1,'default','d991a24cbeea5484f273','mira','6e27ca43ae5b26c583c7c68277d47b74f6f7fe9801a4ae7887e48bbdd99ff141','server','','',NULL,'','127.0.0.1','python-httpx/0.28.1','--','["server"]',NULL,1827164642665,1795628642665,1795628642665);
CREATE UNIQUE INDEX sessions_digest on sessions (project_id, digest);
CREATE UNIQUE INDEX sessions_id on sessions (project_id, id);
CREATE INDEX sessions_user on sessions (project_id, user_id, seq);
DROP TABLE IF EXISTS targets;
CREATE TABLE targets (
    seq integer primary key autoincrement,
    project_id text not null,
    id text not null,
    user_id text not null,
    session_id text,
    name text not null default '',
    name_key text not null default '',
    provider_id text,
    provider_type text not null,
    identifier text not null,
    identifier_key text not null,
    expired smallint not null default 0,
    created_at bigint not null,
    updated_at bigint not null,
    foreign key (project_id, user_id) references users (project_id, id) on delete cascade
);
INSERT INTO targets VALUES(1,'default','36c9604d9951cd2296e3','mira',NULL,'','',NULL,'email','mira@example.org','mira@example.org',0,1795628642374,1795628642374);
INSERT INTO targets VALUES(2,'default','115b4bb899381d9c3a5a','anton',NULL,'','',NULL,'email','anton@example.org','anton@example.org',0,1795628642526,1795628642526);
INSERT INTO targets VALUES(3,'default','f0c17fa4ff7c36599c1b','zoe',NULL,'','',NULL,'email','zoe@example.org','zoe@example.org',0,1795628642610,1795628642610);
INSERT INTO targets VALUES(4,'default','43fe3aa420492482c504','mira',NULL,'','',NULL,'sms','+4915112345678','+4915112345678',0,1795628642655,1795628642655);
CREATE UNIQUE INDEX targets_id on targets (project_id, id);
CREATE UNIQUE INDEX targets_identifier on targets (project_id, identifier);
CREATE INDEX targets_user on targets (project_id, user_id, seq);
DROP TABLE IF EXISTS teams;
CREATE TABLE teams (
    seq integer primary key autoincrement,
    project_id text not null references projects (id) on delete cascade,
    id text not null,
    name text not null,
    name_key text not null,
    total bigint not null default 0,
    prefs text not null default '{}',
    search text not null default '',
    created_at bigint not null,
    updated_at bigint not null
);
CREATE UNIQUE INDEX teams_id on teams (project_id, id);
DROP TABLE IF EXISTS tokens;
CREATE TABLE tokens (
    seq integer primary key autoincrement,
    project_id text not null,
    id text not null,
    user_id text not null,
    kind text not null,
    digest text not null,
    expire_at bigint not null,
    created_at bigint not null,
    foreign key (project_id, user_id) references users (project_id, id) on delete cascade
);
INSERT INTO tokens VALUES(1,'default','6de90cd50687daeece9a','anton','generic','c0a3a00764c109eeed1b1aed767808e058d682bc7ff3db18d715b14cc9998252',1795629542667,1795628642667);
CREATE INDEX tokens_expire_at on tokens (expire_at);
CREATE UNIQUE INDEX tokens_id on tokens (project_id, id);
CREATE INDEX tokens_user on tokens (project_id, user_id, seq);
DROP TABLE IF EXISTS user_labels;
CREATE TABLE user_labels (
    project_id text not null,
    label text not null,
    user_seq bigint not null references users (seq) on delete cascade,
    primary key (project_id, label, user_seq)
);
INSERT INTO user_labels VALUES('default','vip',1);
CREATE INDEX user_labels_user on user_labels (user_seq);
DELETE FROM sqlite_schema WHERE name='user_search' AND type='table';
INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql) VALUES('table','user_search','user_search',0,'CREATE VIRTUAL TABLE user_search using fts5 (
    search, content = '''', contentless_delete = 1, detail = none,
    tokenize = "trigram case_sensitive 1"
)');
DROP TABLE IF EXISTS user_search_config;
CREATE TABLE 'user_search_config'(k PRIMARY KEY, v) WITHOUT ROWID;
INSERT INTO user_search_config VALUES('version',4);
DROP TABLE IF EXISTS user_search_data;
CREATE TABLE 'user_search_data'(id INTEGER PRIMARY KEY, block BLOB);
INSERT INTO user_search_data VALUES(1,X'03811A');
INSERT INTO user_search_data VALUES(10,X'00000000FF000001010507000501010101010101010201010202000001030101030300000104010104040101010501010505000001');
INSERT INTO user_search_data VALUES(137438953473,X'0000009804302020650103016D0103016F01020265780102026D690102026F720101032E6F7201010340657801010361202001020240650102026D70010103652E6F01020278200103016101010367202001010369202001020272610101036C652E0101036D692001030172010202706C0101036F7267010103706C65010103726120010301400102026720010103782020010202616D0104060404050505060606050506050406060506060405060606040506');
INSERT INTO user_search_data VALUES(274877906945,X'000000990430202061020301650203016F020202616E02020265780202026F720201032E6F72020103406578020103616D700202026E2002030174020103652E6F0202027820020301610201036720200201036C652E0201036D706C0201036E20200202024065020202746F0201036F6E20020301400202027267020103706C65020103726720020103746F6E020103782020020202616D0204060404050505060606050406050406060606050506040506060606');
INSERT INTO user_search_data VALUES(412316860417,X'0000009304302020650303016F0303017A03020265780302026F720302027A6F0301032E6F72030103406578030103616D700301036520200302022E6F03020240650302027820030301610301036720200301036C652E0301036D706C0301036F20200302026520030301400302027267030103706C65030103726720030103782020030202616D0301037A6F200303016503040604040505050606060605050504060606060504050606060506');
INSERT INTO user_search_data VALUES(549755813889,X'000000E704302020650103016C0103016D0103016F0103017601020265780102026C610102026D690102026F7201020276690101032E6F720101033A7669010103406578010103612020010202406501020262650102026D7001010362656C010103652E6F0102026C3A010202782001030161010103672020010103692020010202702001020272610101036C3A76010202612001030162010202652E0101036D692001030172010202706C0101036F7220010301670101037020200102026C650101037220200102026120010301400102026720010103766970010103782020010202616D010406040404040505050505060606060505050606050504060605050605040506040506040605060504050606');
INSERT INTO user_search_data VALUES(687194767361,X'0000013A0430202034010301650103016C0103016D0103016F01030176010202343901020265780102026C610102026D690102026F7201020276690101032E6F7201010331313201020232330102023531010103323334010103333435010103343536010202393101010335313101020236370101033637380101033738200101033820200101033931350101033A7669010103406578010103612020010202406501020262650102026D7001010362656C010103652E6F0102026C3A010202782001030161010103672020010103692020010202702001020272610101036C3A76010202612001030162010202652E0101036D692001030172010202706C0101036F7220010301670101037020200102026C650101037220200102026120010301400102026720010103766970010103782020010202616D010406040404040405050505050506060505060606050605060606060606060505050606050504060605050605040506040506040605060504050606');
INSERT INTO user_search_data VALUES(9007336693694464,X'04000000000000010000000000000001000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO user_search_data VALUES(9007749010554880,X'04000000000000010000000000000001000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000');
DROP TABLE IF EXISTS user_search_docsize;
CREATE TABLE 'user_search_docsize'(id INTEGER PRIMARY KEY, sz BLOB, origin INTEGER);
INSERT INTO user_search_docsize VALUES(1,X'4A',5);
INSERT INTO user_search_docsize VALUES(2,X'2B',2);
INSERT INTO user_search_docsize VALUES(3,X'25',3);
DROP TABLE IF EXISTS user_search_idx;
CREATE TABLE 'user_search_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;
INSERT INTO user_search_idx VALUES(1,X'',2);
INSERT INTO user_search_idx VALUES(2,X'',2);
INSERT INTO user_search_idx VALUES(3,X'',2);
INSERT INTO user_search_idx VALUES(4,X'',2);
INSERT INTO user_search_idx VALUES(5,X'',2);
DROP TABLE IF EXISTS users;
CREATE TABLE users (
    seq integer primary key autoincrement,
    project_id text not null references projects (id) on delete cascade,
    id text not null,
    name text not null default '',
    name_key text not null default '',
    email text,
    phone text,
    password text,
    hash text not null default 'argon2',
    hash_options text,
    password_update bigint,
    password_history text not null default '[]',
    status smallint not null default 1,
    labels text not null default '[]',
    email_verification smallint not null default 0,
    phone_verification smallint not null default 0,
    mfa smallint not null default 0,
    recovery_codes text,
    prefs text not null default '{}',
    targets text not null default '[]',
    search text not null default '',
    accessed_at bigint,
    created_at bigint not null,
    updated_at bigint not null
);
INSERT INTO users VALUES(1,'default','mira','mira','mira','mira@example.org','+4915112345678','$argon2id$v=19$m=19456,t=2,p=1$z2VmN3PFp71dPlZYghUBbw$ORp5AoyoaiJb+DF13Yg2mf9neu8TB51E6mD/NCDuiMc','argon2','{"type":"argon2","memoryCost":19456,"timeCost":2,"threads":1}',1795628642374,'[]',1,'["vip"]',0,0,0,'v1.e88caf36.FNFCgIghDnmvI03FuCAf_SdhTv861trAanz8KDpQKGLnul2XKBb-eH4lqQtKU5LsFeLd0BzqvileLJfT1aNqIDakx5CCnPJKOqKV7zYO3l57yI7AuQaxE1wUP2dYOm4QG4QqpET26ZiwrxU=','{"theme":"dark"}','[{"$id":"36c9604d9951cd2296e3","$createdAt":"2026-11-25T17:44:02.374+00:00","$updatedAt":"2026-11-25T17:44:02.374+00:00","name":"","userId":"mira","providerId":null,"providerType":"email","identifier":"mira@example.org","expired":false},{"$id":"43fe3aa420492482c504","$createdAt":"2026-11-25T17:44:02.655+00:00","$updatedAt":"2026-11-25T17:44:02.655+00:00","name":"","userId":"mira","providerId":null,"providerType":"sms","identifier":"+4915112345678","expired":false}]','  mira  mira@example.org  mira  4915112345678  label:vip  mi  ex  or  la  vi',NULL,1795628642374,1795628642663);
INSERT INTO users VALUES(2,'default','anton','anton','anton','anton@example.org',NULL,'$argon2id$v=19$m=19456,t=2,p=1$VgICLb5GSpzchuPvBe7zVg$aEz8m5ggi/kyXjhiTL0pnDbQ8zwz36+rTRsQpYWWrX0','argon2','{"type":"argon2","memoryCost":19456,"timeCost":2,"threads":1}',1795628642526,'[]',1,'[]',0,0,0,NULL,'{}','[{"$id":"115b4bb899381d9c3a5a","$createdAt":"2026-11-25T17:44:02.526+00:00","$updatedAt":"2026-11-25T17:44:02.526+00:00","name":"","userId":"anton","providerId":null,"providerType":"email","identifier":"anton@example.org","expired":false}]','  anton  anton@example.org  anton  an  ex  or',NULL,1795628642526,1795628642526);
INSERT INTO users VALUES(3,'default','zoe','zoe','zoe','zoe@example.org',NULL,'$argon2id$v=19$m=19456,t=2,p=1$oWUNp3ajO4dJ1AhhykJBew$dqpFUxmOAqJdvLQ84yqF5Su9vr/oxCWKZafVq7a39bM','argon2','{"type":"argon2","memoryCost":19456,"timeCost":2,"threads":1}',1795628642610,'[]',1,'[]',0,0,0,NULL,'{}','[{"$id":"f0c17fa4ff7c36599c1b","$createdAt":"2026-11-25T17:44:02.610+00:00","$updatedAt":"2026-11-25T17:44:02.610+00:00","name":"","userId":"zoe","providerId":null,"providerType":"email","identifier":"zoe@example.org","expired":false}]','  zoe  zoe@example.org  zoe  zo  ex  or',NULL,1795628642610,1795628642610);
CREATE INDEX users_created_at on users (project_id, created_at, seq);
CREATE UNIQUE INDEX users_email on users (project_id, email);
CREATE INDEX users_email_order on users (project_id, email, seq);
CREATE INDEX users_email_verification on users (project_id, email_verification, seq);
CREATE UNIQUE INDEX users_id on users (project_id, id);
CREATE INDEX users_name on users (project_id, name_key, seq);
CREATE INDEX users_password_update on users (project_id, password_update, seq);
CREATE UNIQUE INDEX users_phone on users (project_id, phone);
CREATE INDEX users_phone_order on users (project_id, phone, seq);
CREATE INDEX users_phone_verification on users (project_id, phone_verification, seq);
CREATE TRIGGER users_search_delete after delete on users begin
    delete from user_search where rowid = old.seq;
end;
CREATE TRIGGER users_search_insert after insert on users begin
    insert into user_search (rowid, search) values (new.seq, new.search);
end;
CREATE TRIGGER users_search_update after update of search on users
when new.search <> old.search begin
    delete from user_search where rowid = old.seq;
    insert into user_search (rowid, search) values (new.seq, new.search);
end;
CREATE INDEX users_seq on users (project_id, seq);
CREATE INDEX users_status on users (project_id, status, seq);
CREATE INDEX users_updated_at on users (project_id, updated_at, seq);
DELETE FROM main.sqlite_sequence WHERE name='keys';
INSERT INTO main.sqlite_sequence VALUES ('keys', 1);
DELETE FROM main.sqlite_sequence WHERE name='logs';
INSERT INTO main.sqlite_sequence VALUES ('logs', 8);
DELETE FROM main.sqlite_sequence WHERE name='sessions';
INSERT INTO main.sqlite_sequence VALUES ('sessions', 1);
DELETE FROM main.sqlite_sequence WHERE name='targets';
INSERT INTO main.sqlite_sequence VALUES ('targets', 4);
DELETE FROM main.sqlite_sequence WHERE name='tokens';
INSERT INTO main.sqlite_sequence VALUES ('tokens', 1);
DELETE FROM main.sqlite_sequence WHERE name='users';
INSERT INTO main.sqlite_sequence VALUES ('users', 3);
COMMIT TRANSACTION;
PRAGMA writable_schema=OFF;
BEGIN;
CREATE TABLE no_such_table(x,y,z);
ROLLBACK;
