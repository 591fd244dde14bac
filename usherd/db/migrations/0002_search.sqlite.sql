-- Trigrams of users.search, which is already folded; see docs/search.md.
create virtual table user_search using fts5 (
    search, content = '', contentless_delete = 1, detail = none,
    tokenize = "trigram case_sensitive 1"
);
create trigger users_search_insert after insert on users begin
    insert into user_search (rowid, search) values (new.seq, new.search);
end;
create trigger users_search_update after update of search on users
when new.search <> old.search begin
    delete from user_search where rowid = old.seq;
    insert into user_search (rowid, search) values (new.seq, new.search);
end;
create trigger users_search_delete after delete on users begin
    delete from user_search where rowid = old.seq;
end;
