-- Trigrams of teams.search, as those of users.search.
create index teams_search on teams using gin (usherd_trigrams(search));
