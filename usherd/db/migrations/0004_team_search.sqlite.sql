-- Trigrams of teams.search, as those of users.search.
create virtual table team_search using fts5 (
    search, content = '', contentless_delete = 1, detail = none,
    tokenize = "trigram case_sensitive 1"
);
create trigger teams_search_insert after insert on teams begin
    insert into team_search (rowid, search) values (new.seq, new.search);
end;
create trigger teams_search_update after update of search on teams
when new.search <> old.search begin
    delete from team_search where rowid = old.seq;
    insert into team_search (rowid, search) values (new.seq, new.search);
end;
create trigger teams_search_delete after delete on teams begin
    delete from team_search where rowid = old.seq;
end;
insert into team_search (rowid, search) select seq, search from teams;
