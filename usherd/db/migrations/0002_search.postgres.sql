-- Trigrams of users.search, which is already folded; see docs/search.md.
create function usherd_trigrams(text) returns tsvector
language sql immutable strict parallel safe as $$
    select coalesce(array_to_tsvector(array_agg(distinct substr($1, i, 3))), ''::tsvector)
    from generate_series(1, length($1) - 2) as i
$$;
create index users_search on users using gin (usherd_trigrams(search));
