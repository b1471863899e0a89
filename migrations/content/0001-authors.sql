-- What content knows of users. A row is made from the claims of a token when its user first writes something, or
-- when auth tells of the user; from then on only what auth tells changes it. The row of a deleted user stays, so
-- that nothing of theirs can be written any more.
create table authors (
  id uuid primary key,
  username text not null,
  deleted boolean not null default false,
  -- Whether what a deleted user has written is still there; it is not shown any more.
  purging boolean not null default false,
  -- Counts what a reader can see of changes to this row.
  version bigint not null default 0,
  -- The place of the change that the row shows; 0 while it shows a token's claims.
  seq bigint not null default 0,
  -- In which round over all users the row was last seen.
  round bigint not null
);

create index authors_purging on authors (id) where purging;

-- Where the user changes have been followed to.
create table user_changes_cursor (
  id boolean primary key default true check (id),
  -- Empty before the first; then all users are told as they are.
  cursor text not null default '',
  -- Raised before all users are asked for. Rows made after that have this round.
  round bigint not null default 0,
  -- The round of the users that are being told. Rows of an earlier one that are not among them are of deleted users.
  told_round bigint not null default 0
);

insert into user_changes_cursor default values;
