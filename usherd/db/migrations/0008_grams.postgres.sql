-- The index of runs of four characters; see docs/search.md. The space at the end lets the last three
-- characters begin a run. The cost tells the planner never to do this row by row.
create function usherd_grams(text) returns tsvector
language sql immutable strict parallel safe cost 10000 as $$
    select coalesce(array_to_tsvector(array_agg(distinct substr($1 || ' ', i, 4))), ''::tsvector)
    from generate_series(1, length($1) - 2) as i
$$;
drop index users_search;
drop index teams_search;
drop function usherd_trigrams(text);
create index users_search on users using gin (usherd_grams(search));
create index teams_search on teams using gin (usherd_grams(search));
analyze users;
analyze teams;
