-- What the Account service stores beside the users: pages that may talk to a project, second
-- factors being asked for, counters of requests, and messages on their way.

create table platforms (
    seq {seq},
    project_id text collate "C" not null references projects (id) on delete cascade,
    hostname text collate "C" not null,
    created_at bigint not null
);
create unique index platforms_hostname on platforms (project_id, hostname);

-- `digest` is that of the code that was sent; null where the user knows the code otherwise.
create table challenges (
    seq {seq},
    project_id text collate "C" not null,
    id text collate "C" not null,
    user_id text collate "C" not null,
    factor text not null,
    digest text collate "C",
    tries smallint not null default 0,
    expire_at bigint not null,
    created_at bigint not null,
    foreign key (project_id, user_id) references users (project_id, id) on delete cascade
);
create unique index challenges_id on challenges (project_id, id);
create index challenges_user on challenges (project_id, user_id);
create index challenges_expire_at on challenges (expire_at);

-- `about` is the address that the token proves: it proves no other that came since.
alter table tokens add column tries smallint not null default 0;
alter table tokens add column about text not null default '';

create table rate_limits (
    project_id text collate "C" not null,
    name text collate "C" not null,
    ends_at bigint not null,
    hits bigint not null,
    primary key (project_id, name, ends_at)
);
create index rate_limits_ends_at on rate_limits (ends_at);

-- `sealed` is the encrypted message: it may hold a secret, and is emptied once it is sent.
create table outbox (
    seq {seq},
    project_id text collate "C" not null references projects (id) on delete cascade,
    id text collate "C" not null,
    channel text not null,
    kind text not null,
    recipient text not null,
    sealed text not null,
    status text not null default 'waiting',
    tries smallint not null default 0,
    due_at bigint not null,
    error text not null default '',
    created_at bigint not null,
    sent_at bigint
);
create unique index outbox_id on outbox (project_id, id);
create index outbox_due on outbox (due_at) where status = 'waiting';

create table templates (
    seq {seq},
    project_id text collate "C" not null references projects (id) on delete cascade,
    kind text collate "C" not null,
    locale text collate "C" not null,
    subject text not null,
    body text not null,
    updated_at bigint not null
);
create unique index templates_kind on templates (project_id, kind, locale);

create index sessions_expire_at on sessions (expire_at);
