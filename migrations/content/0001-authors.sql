-- What content knows of users. A row is made from the claims of a token when its user first writes something, and
-- from then on follows the changes that auth tells: seq is the position of the change that the row shows, and 0
-- while there was none. A deleted user's row stays, so that nothing of theirs can be written any more.
create table authors (
  id uuid primary key,
  username text not null,
  seq bigint not null default 0,
  deleted boolean not null default false
);

-- How far the user changes have been followed; empty before the first.
create table user_changes_cursor (
  id boolean primary key default true check (id),
  cursor text not null default ''
);

insert into user_changes_cursor default values;
