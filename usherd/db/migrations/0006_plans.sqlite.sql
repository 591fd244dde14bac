-- What the planner is to believe of the users: about a million, of whom a few share a name, and
-- nobody an address. Without it each index looks as good as any other; gathered statistics would
-- change plans under a running server.
analyze sqlite_schema;
insert into sqlite_stat1 (tbl, idx, stat) values
    ('users', 'users_id', '1000000 1000000 1'),
    ('users', 'users_seq', '1000000 1000000 1'),
    ('users', 'users_email', '1000000 1000000 1'),
    ('users', 'users_email_order', '1000000 1000000 1 1'),
    ('users', 'users_phone', '1000000 1000000 1'),
    ('users', 'users_phone_order', '1000000 1000000 1 1'),
    ('users', 'users_name', '1000000 1000000 100 1'),
    ('users', 'users_password_update', '1000000 1000000 2 1'),
    ('users', 'users_status', '1000000 1000000 500000 1'),
    ('users', 'users_email_verification', '1000000 1000000 500000 1'),
    ('users', 'users_phone_verification', '1000000 1000000 500000 1'),
    ('users', 'users_created_at', '1000000 1000000 2 1'),
    ('users', 'users_updated_at', '1000000 1000000 2 1'),
    ('user_labels', 'sqlite_autoindex_user_labels_1', '1000000 1000000 10000 1'),
    ('user_labels', 'user_labels_user', '1000000 1');
analyze sqlite_schema;
