-- What signing in by another provider needs: the providers of a project, and the sign-ins that
-- are under way.

-- `client_secret` is encrypted. `options` are what the provider's URLs need, such as a domain.
create table providers (
    seq {seq},
    project_id text collate "C" not null references projects (id) on delete cascade,
    id text collate "C" not null,
    client_id text not null,
    client_secret text not null default '',
    options text not null default '{}',
    scopes text not null default '[]',
    trust_email smallint not null default 0,
    enabled smallint not null default 1,
    created_at bigint not null,
    updated_at bigint not null
);
create unique index providers_id on providers (project_id, id);

-- `digest` is that of the state, `browser` that of the cookie which the browser has to bring.
-- `sealed` is encrypted: what must not leave the server, and where the browser goes afterwards.
create table oauth_states (
    seq {seq},
    project_id text collate "C" not null references projects (id) on delete cascade,
    digest text collate "C" not null,
    browser text collate "C" not null,
    sealed text not null,
    expire_at bigint not null,
    created_at bigint not null
);
create unique index oauth_states_digest on oauth_states (project_id, digest);
create index oauth_states_expire_at on oauth_states (expire_at);
