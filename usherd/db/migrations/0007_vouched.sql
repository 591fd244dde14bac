-- Whether an administrator has said whose the address is, by setting it through the Users API: then
-- its first proof takes nothing from the account (decision 15).
alter table users add column email_vouched smallint not null default 0;
alter table users add column phone_vouched smallint not null default 0;
