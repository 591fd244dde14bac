CREATE FUNCTION public.usherd_trigrams(text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
    select coalesce(array_to_tsvector(array_agg(distinct substr($1, i, 3))), ''::tsvector)
    from generate_series(1, length($1) - 2) as i
$_$;
CREATE TABLE public.authenticators (
    seq bigint NOT NULL,
    project_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    secret text NOT NULL,
    verified smallint DEFAULT 0 NOT NULL,
    last_step bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
ALTER TABLE public.authenticators ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.authenticators_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.identities (
    seq bigint NOT NULL,
    project_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    provider text NOT NULL COLLATE pg_catalog."C",
    provider_uid text NOT NULL COLLATE pg_catalog."C",
    provider_uid_key text NOT NULL COLLATE pg_catalog."C",
    provider_email text COLLATE pg_catalog."C",
    provider_access_token text DEFAULT ''::text NOT NULL,
    provider_access_token_expiry bigint,
    provider_refresh_token text DEFAULT ''::text NOT NULL,
    search text DEFAULT ''::text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
ALTER TABLE public.identities ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.identities_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.keys (
    seq bigint NOT NULL,
    project_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    digest text NOT NULL COLLATE pg_catalog."C",
    scopes text NOT NULL,
    expire_at bigint,
    accessed_at bigint,
    created_at bigint NOT NULL
);
ALTER TABLE public.keys ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.keys_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.logs (
    seq bigint NOT NULL,
    project_id text NOT NULL COLLATE pg_catalog."C",
    actor_type text NOT NULL,
    actor_id text NOT NULL,
    user_seq bigint,
    event text NOT NULL,
    resource text NOT NULL,
    mode text DEFAULT 'default'::text NOT NULL,
    ip text DEFAULT ''::text NOT NULL,
    user_agent text DEFAULT ''::text NOT NULL,
    country_code text DEFAULT '--'::text NOT NULL,
    created_at bigint NOT NULL
);
ALTER TABLE public.logs ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.logs_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.memberships (
    seq bigint NOT NULL,
    project_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    team_id text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    roles text DEFAULT '[]'::text NOT NULL,
    digest text COLLATE pg_catalog."C",
    confirm smallint DEFAULT 0 NOT NULL,
    invited_at bigint NOT NULL,
    joined_at bigint,
    search text DEFAULT ''::text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
ALTER TABLE public.memberships ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.memberships_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.migrations (
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.projects (
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    settings text DEFAULT '{}'::text NOT NULL,
    signing_key text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE TABLE public.sessions (
    seq bigint NOT NULL,
    project_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    digest text NOT NULL COLLATE pg_catalog."C",
    provider text NOT NULL,
    provider_uid text DEFAULT ''::text NOT NULL,
    provider_access_token text DEFAULT ''::text NOT NULL,
    provider_access_token_expiry bigint,
    provider_refresh_token text DEFAULT ''::text NOT NULL,
    ip text DEFAULT ''::text NOT NULL,
    user_agent text DEFAULT ''::text NOT NULL,
    country_code text DEFAULT '--'::text NOT NULL,
    factors text DEFAULT '[]'::text NOT NULL,
    mfa_updated_at bigint,
    expire_at bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
ALTER TABLE public.sessions ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.sessions_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.targets (
    seq bigint NOT NULL,
    project_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    session_id text COLLATE pg_catalog."C",
    name text DEFAULT ''::text NOT NULL,
    name_key text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    provider_id text COLLATE pg_catalog."C",
    provider_type text NOT NULL COLLATE pg_catalog."C",
    identifier text NOT NULL COLLATE pg_catalog."C",
    identifier_key text NOT NULL COLLATE pg_catalog."C",
    expired smallint DEFAULT 0 NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
ALTER TABLE public.targets ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.targets_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.teams (
    seq bigint NOT NULL,
    project_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    name_key text NOT NULL COLLATE pg_catalog."C",
    total bigint DEFAULT 0 NOT NULL,
    prefs text DEFAULT '{}'::text NOT NULL,
    search text DEFAULT ''::text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
ALTER TABLE public.teams ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.teams_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.tokens (
    seq bigint NOT NULL,
    project_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    digest text NOT NULL COLLATE pg_catalog."C",
    expire_at bigint NOT NULL,
    created_at bigint NOT NULL
);
ALTER TABLE public.tokens ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.tokens_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.user_labels (
    project_id text NOT NULL COLLATE pg_catalog."C",
    label text NOT NULL COLLATE pg_catalog."C",
    user_seq bigint NOT NULL
);
CREATE TABLE public.users (
    seq bigint NOT NULL,
    project_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    name text DEFAULT ''::text NOT NULL,
    name_key text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    email text COLLATE pg_catalog."C",
    phone text COLLATE pg_catalog."C",
    password text,
    hash text DEFAULT 'argon2'::text NOT NULL,
    hash_options text,
    password_update bigint,
    password_history text DEFAULT '[]'::text NOT NULL,
    status smallint DEFAULT 1 NOT NULL,
    labels text DEFAULT '[]'::text NOT NULL,
    email_verification smallint DEFAULT 0 NOT NULL,
    phone_verification smallint DEFAULT 0 NOT NULL,
    mfa smallint DEFAULT 0 NOT NULL,
    recovery_codes text,
    prefs text DEFAULT '{}'::text NOT NULL,
    targets text DEFAULT '[]'::text NOT NULL,
    search text DEFAULT ''::text NOT NULL,
    accessed_at bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
ALTER TABLE public.users ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.users_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
INSERT INTO public.keys OVERRIDING SYSTEM VALUE VALUES (1, 'default', '711eb24f47a20588767b', 'first key', '7e8596222f639621d5e72ed2528563a13c66e81cf82d66be6a6fd57e606d30f5', '["sessions.write","users.read","users.write","teams.read","teams.write","databases.read","databases.write","collections.read","collections.write","attributes.read","attributes.write","indexes.read","indexes.write","documents.read","documents.write","files.read","files.write","buckets.read","buckets.write","functions.read","functions.write","sites.read","sites.write","log.read","log.write","execution.read","execution.write","locale.read","avatars.read","health.read","providers.read","providers.write","messages.read","messages.write","topics.read","topics.write","subscribers.read","subscribers.write","targets.read","targets.write","rules.read","rules.write","migrations.read","migrations.write","vcs.read","vcs.write","assistant.read","tokens.read","tokens.write"]', NULL, 1795628649236, 1795628648915);
INSERT INTO public.logs OVERRIDING SYSTEM VALUE VALUES (1, 'default', 'app', '711eb24f47a20588767b', NULL, 'user.create', 'user/mira', 'default', '127.0.0.1', 'python-httpx/0.28.1', '--', 1795628649402);
INSERT INTO public.logs OVERRIDING SYSTEM VALUE VALUES (2, 'default', 'app', '711eb24f47a20588767b', NULL, 'user.create', 'user/anton', 'default', '127.0.0.1', 'python-httpx/0.28.1', '--', 1795628649507);
INSERT INTO public.logs OVERRIDING SYSTEM VALUE VALUES (3, 'default', 'app', '711eb24f47a20588767b', NULL, 'user.create', 'user/zoe', 'default', '127.0.0.1', 'python-httpx/0.28.1', '--', 1795628649645);
INSERT INTO public.logs OVERRIDING SYSTEM VALUE VALUES (4, 'default', 'app', '711eb24f47a20588767b', NULL, 'user.update', 'user/mira', 'default', '127.0.0.1', 'python-httpx/0.28.1', '--', 1795628649666);
INSERT INTO public.logs OVERRIDING SYSTEM VALUE VALUES (5, 'default', 'app', '711eb24f47a20588767b', NULL, 'user.update', 'user/mira', 'default', '127.0.0.1', 'python-httpx/0.28.1', '--', 1795628649720);
INSERT INTO public.logs OVERRIDING SYSTEM VALUE VALUES (6, 'default', 'app', '711eb24f47a20588767b', NULL, 'user.update', 'user/mira', 'default', '127.0.0.1', 'python-httpx/0.28.1', '--', 1795628649742);
INSERT INTO public.logs OVERRIDING SYSTEM VALUE VALUES (7, 'default', 'app', '711eb24f47a20588767b', NULL, 'session.create', 'user/mira/session/00f88d070fe29fc0e7c1', 'default', '127.0.0.1', 'python-httpx/0.28.1', '--', 1795628649746);
INSERT INTO public.logs OVERRIDING SYSTEM VALUE VALUES (8, 'default', 'app', '711eb24f47a20588767b', NULL, 'tokens.create', 'user/anton/token/b0df1cfccdfbc61beabc', 'default', '127.0.0.1', 'python-httpx/0.28.1', '--', 1795628649774);
INSERT INTO public.migrations VALUES ('0001_users', '2026-11-25 17:44:08.72299+00');
INSERT INTO public.migrations VALUES ('0002_search', '2026-11-25 17:44:08.88242+00');
INSERT INTO public.projects VALUES ('default', 'Default', '{}', 'v1.e88caf36.4_IM-jLbs8kvDX0YLm5UH7v0vqdq3Nd0Rf5qacHh5d52w6k0Ore1Vt51mqLIo8uUjR59yKcmmgW5_N2ZFynkkjWLer8BQM5NgaDw4lncbwfb7aDrtBNR6kcxQO6TmngD4iFCG58Dx7RUUUv0a9LSu-DcytrGYokLzL0PhEFDC7XwpmtcsLH2NE7EKXjF_t72MIsbr9BJPFPbYQ6e3NzQ8xeiiZ4MYo7e3gtMalXrCUcoZ0qBLGfwhGjFsneHtp8Dm76arioUeYCoZwynk5rNzmCtnB3898mZESgnWzwwD2myNfRZT5jxYsbJIAogRygCriZoTwvRuBTftEmd6yGmrlnjhY6tjqkAr2fAFMA=', 1795628648914, 1795628648914);
INSERT INTO public.sessions OVERRIDING SYSTEM VALUE VALUES (1, 'default', '00f88d070fe29fc0e7c1', 'mira', 'f2a7b2267557e33c111357f7e0c6fdec2dbdc0ffeb4f8750232ebe47e6c72217', 'server', '', '', NULL, '', '127.0.0.1', 'python-httpx/0.28.1', '--', '["server"]', NULL, 1827164649745, 1795628649745, 1795628649745);
INSERT INTO public.targets OVERRIDING SYSTEM VALUE VALUES (1, 'default', '367af76817dcbc665a82', 'mira', NULL, '', '', NULL, 'email', 'mira@example.org', 'mira@example.org', 0, 1795628649398, 1795628649398);
INSERT INTO public.targets OVERRIDING SYSTEM VALUE VALUES (2, 'default', '9d668b8558862bb7a1d1', 'anton', NULL, '', '', NULL, 'email', 'anton@example.org', 'anton@example.org', 0, 1795628649506, 1795628649506);
INSERT INTO public.targets OVERRIDING SYSTEM VALUE VALUES (3, 'default', '38c5d0479a45adc9c1b7', 'zoe', NULL, '', '', NULL, 'email', 'zoe@example.org', 'zoe@example.org', 0, 1795628649644, 1795628649644);
INSERT INTO public.targets OVERRIDING SYSTEM VALUE VALUES (4, 'default', 'b4e86cddc989bdd09109', 'mira', NULL, '', '', NULL, 'sms', '+4915112345678', '+4915112345678', 0, 1795628649719, 1795628649719);
INSERT INTO public.tokens OVERRIDING SYSTEM VALUE VALUES (1, 'default', 'b0df1cfccdfbc61beabc', 'anton', 'generic', 'feea3d6f7b853c1d47e71d18cc1c5d2c5996da70a3fd77643bab9c78cc3067f1', 1795629549766, 1795628649766);
INSERT INTO public.user_labels VALUES ('default', 'vip', 1);
INSERT INTO public.users OVERRIDING SYSTEM VALUE VALUES (2, 'default', 'anton', 'anton', 'anton', 'anton@example.org', NULL, '$argon2id$v=19$m=19456,t=2,p=1$zo2g9P67qone5YiyaYemJQ$tIuE8qGJc6yC/16TRYRq6eOMy2E/1JwDMGcQUmZe3zI', 'argon2', '{"type":"argon2","memoryCost":19456,"timeCost":2,"threads":1}', 1795628649505, '[]', 1, '[]', 0, 0, 0, NULL, '{}', '[{"$id":"9d668b8558862bb7a1d1","$createdAt":"2026-11-25T17:44:09.506+00:00","$updatedAt":"2026-11-25T17:44:09.506+00:00","name":"","userId":"anton","providerId":null,"providerType":"email","identifier":"anton@example.org","expired":false}]', '  anton  anton@example.org  anton  an  ex  or', NULL, 1795628649505, 1795628649505);
INSERT INTO public.users OVERRIDING SYSTEM VALUE VALUES (3, 'default', 'zoe', 'zoe', 'zoe', 'zoe@example.org', NULL, '$argon2id$v=19$m=19456,t=2,p=1$GP3sDY7z0EzafCjj+gr2cg$4DM9fR7SzIlfSbr1UVGXmytrayo+5Sfv+cI76STYBe8', 'argon2', '{"type":"argon2","memoryCost":19456,"timeCost":2,"threads":1}', 1795628649644, '[]', 1, '[]', 0, 0, 0, NULL, '{}', '[{"$id":"38c5d0479a45adc9c1b7","$createdAt":"2026-11-25T17:44:09.644+00:00","$updatedAt":"2026-11-25T17:44:09.644+00:00","name":"","userId":"zoe","providerId":null,"providerType":"email","identifier":"zoe@example.org","expired":false}]', '  zoe  zoe@example.org  zoe  zo  ex  or', NULL, 1795628649644, 1795628649644);
INSERT INTO public.users OVERRIDING SYSTEM VALUE VALUES (1, 'default', 'mira', 'mira', 'mira', 'mira@example.org', '+4915112345678', '$argon2id$v=19$m=19456,t=2,p=1$RZWko8pnemkHL3hhr2j+fA$TWARuJFyD9bh0anhfjdxqsujYRFQB2xcVDsIxYNQWt8', 'argon2', '{"type":"argon2","memoryCost":19456,"timeCost":2,"threads":1}', 1795628649395, '[]', 1, '["vip"]', 0, 0, 0, 'v1.e88caf36.e3SV8aSu5PSt0ifWE-HZRwcpAw0VAp0HMNdk0w6E8eG-WJq8GMdtmhhFOG9J8fApecdj9A4qHUTs9JCwATHhMCx_L2falaJyq9HAYQilReQah_xGMFHwlIBUI-S4PvF47zxxIFdVEouQz5s=', '{"theme":"dark"}', '[{"$id":"367af76817dcbc665a82","$createdAt":"2026-11-25T17:44:09.398+00:00","$updatedAt":"2026-11-25T17:44:09.398+00:00","name":"","userId":"mira","providerId":null,"providerType":"email","identifier":"mira@example.org","expired":false},{"$id":"b4e86cddc989bdd09109","$createdAt":"2026-11-25T17:44:09.719+00:00","$updatedAt":"2026-11-25T17:44:09.719+00:00","name":"","userId":"mira","providerId":null,"providerType":"sms","identifier":"+4915112345678","expired":false}]', '  mira  mira@example.org  mira  4915112345678  label:vip  mi  ex  or  la  vi', NULL, 1795628649395, 1795628649737);
SELECT pg_catalog.setval('public.authenticators_seq_seq', 1, false);
SELECT pg_catalog.setval('public.identities_seq_seq', 1, false);
SELECT pg_catalog.setval('public.keys_seq_seq', 1, true);
SELECT pg_catalog.setval('public.logs_seq_seq', 8, true);
SELECT pg_catalog.setval('public.memberships_seq_seq', 1, false);
SELECT pg_catalog.setval('public.sessions_seq_seq', 1, true);
SELECT pg_catalog.setval('public.targets_seq_seq', 4, true);
SELECT pg_catalog.setval('public.teams_seq_seq', 1, false);
SELECT pg_catalog.setval('public.tokens_seq_seq', 1, true);
SELECT pg_catalog.setval('public.users_seq_seq', 3, true);
ALTER TABLE ONLY public.authenticators
    ADD CONSTRAINT authenticators_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.identities
    ADD CONSTRAINT identities_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.logs
    ADD CONSTRAINT logs_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.targets
    ADD CONSTRAINT targets_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.teams
    ADD CONSTRAINT teams_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.user_labels
    ADD CONSTRAINT user_labels_pkey PRIMARY KEY (project_id, label, user_seq);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (seq);
CREATE UNIQUE INDEX authenticators_user ON public.authenticators USING btree (project_id, user_id, type);
CREATE INDEX identities_created_at ON public.identities USING btree (project_id, created_at, seq);
CREATE INDEX identities_expiry ON public.identities USING btree (project_id, provider_access_token_expiry NULLS FIRST, seq);
CREATE UNIQUE INDEX identities_id ON public.identities USING btree (project_id, id);
CREATE UNIQUE INDEX identities_provider ON public.identities USING btree (project_id, provider, provider_uid);
CREATE INDEX identities_provider_email ON public.identities USING btree (project_id, provider_email NULLS FIRST, seq);
CREATE INDEX identities_provider_order ON public.identities USING btree (project_id, provider, seq);
CREATE INDEX identities_provider_uid ON public.identities USING btree (project_id, provider_uid_key, seq);
CREATE INDEX identities_seq ON public.identities USING btree (project_id, seq);
CREATE INDEX identities_updated_at ON public.identities USING btree (project_id, updated_at, seq);
CREATE INDEX identities_user ON public.identities USING btree (project_id, user_id, seq);
CREATE UNIQUE INDEX keys_digest ON public.keys USING btree (digest);
CREATE UNIQUE INDEX keys_id ON public.keys USING btree (project_id, id);
CREATE INDEX logs_user ON public.logs USING btree (project_id, user_seq, seq) WHERE (user_seq IS NOT NULL);
CREATE UNIQUE INDEX memberships_id ON public.memberships USING btree (project_id, id);
CREATE UNIQUE INDEX memberships_member ON public.memberships USING btree (project_id, team_id, user_id);
CREATE INDEX memberships_team ON public.memberships USING btree (project_id, team_id, seq);
CREATE INDEX memberships_user ON public.memberships USING btree (project_id, user_id, seq);
CREATE UNIQUE INDEX sessions_digest ON public.sessions USING btree (project_id, digest);
CREATE UNIQUE INDEX sessions_id ON public.sessions USING btree (project_id, id);
CREATE INDEX sessions_user ON public.sessions USING btree (project_id, user_id, seq);
CREATE UNIQUE INDEX targets_id ON public.targets USING btree (project_id, id);
CREATE UNIQUE INDEX targets_identifier ON public.targets USING btree (project_id, identifier);
CREATE INDEX targets_user ON public.targets USING btree (project_id, user_id, seq);
CREATE UNIQUE INDEX teams_id ON public.teams USING btree (project_id, id);
CREATE INDEX tokens_expire_at ON public.tokens USING btree (expire_at);
CREATE UNIQUE INDEX tokens_id ON public.tokens USING btree (project_id, id);
CREATE INDEX tokens_user ON public.tokens USING btree (project_id, user_id, seq);
CREATE INDEX user_labels_user ON public.user_labels USING btree (user_seq);
CREATE INDEX users_created_at ON public.users USING btree (project_id, created_at, seq);
CREATE UNIQUE INDEX users_email ON public.users USING btree (project_id, email);
CREATE INDEX users_email_order ON public.users USING btree (project_id, email NULLS FIRST, seq);
CREATE INDEX users_email_verification ON public.users USING btree (project_id, email_verification, seq);
CREATE UNIQUE INDEX users_id ON public.users USING btree (project_id, id);
CREATE INDEX users_name ON public.users USING btree (project_id, name_key, seq);
CREATE INDEX users_password_update ON public.users USING btree (project_id, password_update NULLS FIRST, seq);
CREATE UNIQUE INDEX users_phone ON public.users USING btree (project_id, phone);
CREATE INDEX users_phone_order ON public.users USING btree (project_id, phone NULLS FIRST, seq);
CREATE INDEX users_phone_verification ON public.users USING btree (project_id, phone_verification, seq);
CREATE INDEX users_search ON public.users USING gin (public.usherd_trigrams(search));
CREATE INDEX users_seq ON public.users USING btree (project_id, seq);
CREATE INDEX users_status ON public.users USING btree (project_id, status, seq);
CREATE INDEX users_updated_at ON public.users USING btree (project_id, updated_at, seq);
ALTER TABLE ONLY public.authenticators
    ADD CONSTRAINT authenticators_project_id_user_id_fkey FOREIGN KEY (project_id, user_id) REFERENCES public.users(project_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.identities
    ADD CONSTRAINT identities_project_id_user_id_fkey FOREIGN KEY (project_id, user_id) REFERENCES public.users(project_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_project_id_team_id_fkey FOREIGN KEY (project_id, team_id) REFERENCES public.teams(project_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_project_id_user_id_fkey FOREIGN KEY (project_id, user_id) REFERENCES public.users(project_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_project_id_user_id_fkey FOREIGN KEY (project_id, user_id) REFERENCES public.users(project_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.targets
    ADD CONSTRAINT targets_project_id_user_id_fkey FOREIGN KEY (project_id, user_id) REFERENCES public.users(project_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.teams
    ADD CONSTRAINT teams_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_project_id_user_id_fkey FOREIGN KEY (project_id, user_id) REFERENCES public.users(project_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.user_labels
    ADD CONSTRAINT user_labels_user_seq_fkey FOREIGN KEY (user_seq) REFERENCES public.users(seq) ON DELETE CASCADE;
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;
