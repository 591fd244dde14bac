-- What teams need beside their tables: until when and by which channel an invitation went, and an
-- index for every filter and order of their lists.

-- `channel` (email, phone or empty) and `about` say what accepting the invitation proves.
alter table memberships add column channel text not null default '';
alter table memberships add column about text not null default '';
alter table memberships add column expire_at bigint;

create index teams_seq on teams (project_id, seq);
create index teams_name on teams (project_id, name_key, seq);
create index teams_total on teams (project_id, total, seq);
create index teams_created_at on teams (project_id, created_at, seq);
create index teams_updated_at on teams (project_id, updated_at, seq);

create index memberships_invited_at on memberships (project_id, team_id, invited_at, seq);
create index memberships_joined_at on memberships (project_id, team_id, joined_at nulls first, seq);
create index memberships_confirm on memberships (project_id, team_id, confirm, seq);
create index memberships_created_at on memberships (project_id, team_id, created_at, seq);
create index memberships_updated_at on memberships (project_id, team_id, updated_at, seq);
