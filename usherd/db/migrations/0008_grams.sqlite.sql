-- The index of runs of four characters, of which `usherd_grams` makes the trigrams that FTS5 knows.
drop trigger users_search_insert;
drop trigger users_search_update;
drop trigger users_search_delete;
drop table user_search;
create virtual table user_search using fts5 (
    search, content = '', contentless_delete = 1, detail = none,
    tokenize = "trigram case_sensitive 1"
);
insert into user_search (user_search, rank) values ('hashsize', 67108864);
insert into user_search (rowid, search) select seq, usherd_grams(search) from users;
insert into user_search (user_search, rank) values ('hashsize', 1048576);
insert into user_search (user_search) values ('optimize');
create trigger users_search_insert after insert on users begin
    insert into user_search (rowid, search) values (new.seq, usherd_grams(new.search));
end;
create trigger users_search_update after update of search on users
when new.search <> old.search begin
    delete from user_search where rowid = old.seq;
    insert into user_search (rowid, search) values (new.seq, usherd_grams(new.search));
end;
create trigger users_search_delete after delete on users begin
    delete from user_search where rowid = old.seq;
end;
drop trigger teams_search_insert;
drop trigger teams_search_update;
drop trigger teams_search_delete;
drop table team_search;
create virtual table team_search using fts5 (
    search, content = '', contentless_delete = 1, detail = none,
    tokenize = "trigram case_sensitive 1"
);
insert into team_search (rowid, search) select seq, usherd_grams(search) from teams;
create trigger teams_search_insert after insert on teams begin
    insert into team_search (rowid, search) values (new.seq, usherd_grams(new.search));
end;
create trigger teams_search_update after update of search on teams
when new.search <> old.search begin
    delete from team_search where rowid = old.seq;
    insert into team_search (rowid, search) values (new.seq, usherd_grams(new.search));
end;
create trigger teams_search_delete after delete on teams begin
    delete from team_search where rowid = old.seq;
end;
