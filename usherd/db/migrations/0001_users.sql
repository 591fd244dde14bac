-- Everything the Users service stores. Portable: `{seq}` is the engine's own growing
-- key, `nulls first` and `collate "C"` are kept on PostgreSQL and are SQLite's default.
-- Times are milliseconds since 1970 UTC, flags are 0 or 1, JSON is text,
-- `*_key` columns hold folded text (no case, no accents) that filters and orders compare.

create table projects (
    id text collate "C" primary key,
    name text not null,
    settings text not null default '{}',
    signing_key text not null,
    created_at bigint not null,
    updated_at bigint not null
);

create table keys (
    seq {seq},
    project_id text collate "C" not null references projects (id) on delete cascade,
    id text collate "C" not null,
    name text not null,
    digest text collate "C" not null,
    scopes text not null,
    expire_at bigint,
    accessed_at bigint,
    created_at bigint not null
);
create unique index keys_id on keys (project_id, id);
create unique index keys_digest on keys (digest);

create table users (
    seq {seq},
    project_id text collate "C" not null references projects (id) on delete cascade,
    id text collate "C" not null,
    name text not null default '',
    name_key text collate "C" not null default '',
    email text collate "C",
    phone text collate "C",
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
create unique index users_id on users (project_id, id);
create unique index users_email on users (project_id, email);
create unique index users_phone on users (project_id, phone);
create index users_seq on users (project_id, seq);
create index users_name on users (project_id, name_key, seq);
create index users_email_order on users (project_id, email nulls first, seq);
create index users_phone_order on users (project_id, phone nulls first, seq);
create index users_password_update on users (project_id, password_update nulls first, seq);
create index users_status on users (project_id, status, seq);
create index users_email_verification on users (project_id, email_verification, seq);
create index users_phone_verification on users (project_id, phone_verification, seq);
create index users_created_at on users (project_id, created_at, seq);
create index users_updated_at on users (project_id, updated_at, seq);

create table user_labels (
    project_id text collate "C" not null,
    label text collate "C" not null,
    user_seq bigint not null references users (seq) on delete cascade,
    primary key (project_id, label, user_seq)
);
create index user_labels_user on user_labels (user_seq);

create table targets (
    seq {seq},
    project_id text collate "C" not null,
    id text collate "C" not null,
    user_id text collate "C" not null,
    session_id text collate "C",
    name text not null default '',
    name_key text collate "C" not null default '',
    provider_id text collate "C",
    provider_type text collate "C" not null,
    identifier text collate "C" not null,
    identifier_key text collate "C" not null,
    expired smallint not null default 0,
    created_at bigint not null,
    updated_at bigint not null,
    foreign key (project_id, user_id) references users (project_id, id) on delete cascade
);
create unique index targets_id on targets (project_id, id);
create unique index targets_identifier on targets (project_id, identifier);
create index targets_user on targets (project_id, user_id, seq);

create table sessions (
    seq {seq},
    project_id text collate "C" not null,
    id text collate "C" not null,
    user_id text collate "C" not null,
    digest text collate "C" not null,
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
create unique index sessions_id on sessions (project_id, id);
create unique index sessions_digest on sessions (project_id, digest);
create index sessions_user on sessions (project_id, user_id, seq);

create table tokens (
    seq {seq},
    project_id text collate "C" not null,
    id text collate "C" not null,
    user_id text collate "C" not null,
    kind text not null,
    digest text collate "C" not null,
    expire_at bigint not null,
    created_at bigint not null,
    foreign key (project_id, user_id) references users (project_id, id) on delete cascade
);
create unique index tokens_id on tokens (project_id, id);
create index tokens_user on tokens (project_id, user_id, seq);
create index tokens_expire_at on tokens (expire_at);

create table authenticators (
    seq {seq},
    project_id text collate "C" not null,
    id text collate "C" not null,
    user_id text collate "C" not null,
    type text collate "C" not null,
    secret text not null,
    verified smallint not null default 0,
    last_step bigint,
    created_at bigint not null,
    updated_at bigint not null,
    foreign key (project_id, user_id) references users (project_id, id) on delete cascade
);
create unique index authenticators_user on authenticators (project_id, user_id, type);

create table identities (
    seq {seq},
    project_id text collate "C" not null,
    id text collate "C" not null,
    user_id text collate "C" not null,
    provider text collate "C" not null,
    provider_uid text collate "C" not null,
    provider_uid_key text collate "C" not null,
    provider_email text collate "C",
    provider_access_token text not null default '',
    provider_access_token_expiry bigint,
    provider_refresh_token text not null default '',
    search text not null default '',
    created_at bigint not null,
    updated_at bigint not null,
    foreign key (project_id, user_id) references users (project_id, id) on delete cascade
);
create unique index identities_id on identities (project_id, id);
create unique index identities_provider on identities (project_id, provider, provider_uid);
create index identities_seq on identities (project_id, seq);
create index identities_user on identities (project_id, user_id, seq);
create index identities_provider_order on identities (project_id, provider, seq);
create index identities_provider_uid on identities (project_id, provider_uid_key, seq);
create index identities_provider_email on identities (project_id, provider_email nulls first, seq);
create index identities_expiry on identities (project_id, provider_access_token_expiry nulls first, seq);
create index identities_created_at on identities (project_id, created_at, seq);
create index identities_updated_at on identities (project_id, updated_at, seq);

create table teams (
    seq {seq},
    project_id text collate "C" not null references projects (id) on delete cascade,
    id text collate "C" not null,
    name text not null,
    name_key text collate "C" not null,
    total bigint not null default 0,
    prefs text not null default '{}',
    search text not null default '',
    created_at bigint not null,
    updated_at bigint not null
);
create unique index teams_id on teams (project_id, id);

create table memberships (
    seq {seq},
    project_id text collate "C" not null,
    id text collate "C" not null,
    team_id text collate "C" not null,
    user_id text collate "C" not null,
    roles text not null default '[]',
    digest text collate "C",
    confirm smallint not null default 0,
    invited_at bigint not null,
    joined_at bigint,
    search text not null default '',
    created_at bigint not null,
    updated_at bigint not null,
    foreign key (project_id, user_id) references users (project_id, id) on delete cascade,
    foreign key (project_id, team_id) references teams (project_id, id) on delete cascade
);
create unique index memberships_id on memberships (project_id, id);
create unique index memberships_member on memberships (project_id, team_id, user_id);
create index memberships_user on memberships (project_id, user_id, seq);
create index memberships_team on memberships (project_id, team_id, seq);

-- The activity log. `user_seq` ties a row to one life of a user id: a user that reuses
-- a released id does not inherit the log of the one before.
create table logs (
    seq {seq},
    project_id text collate "C" not null,
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
create index logs_user on logs (project_id, user_seq, seq) where user_seq is not null;
