-- One row. Its lock gives revocations their order; system_id and timeline tell whether this is still the same history.
create table revocation_head (
  id boolean primary key default true check (id),
  epoch bigint not null,
  seq bigint not null default 0,
  base bigint not null default 0,
  system_id text not null,
  timeline bigint not null
);

insert into revocation_head (epoch, system_id, timeline)
select 1, system_identifier::text, (select timeline_id from pg_control_checkpoint())
from pg_control_system();

create table revocations (
  seq bigint primary key,
  epoch bigint not null,
  kind text not null check (kind in ('session', 'session_gen', 'user', 'token', 'client', 'key')),
  key text not null,
  value bigint not null default 0,
  keep_until timestamptz(3) not null,
  at timestamptz(3) not null default clock_timestamp()
);

-- A session that ended before answers with the position of the event that ended it.
create index revocations_key on revocations (key);
create unique index revocations_position on revocations (epoch, seq);

-- Takes the next place in the log. To be called last in a transaction, in one round trip with its COMMIT, since
-- everybody else waits for the head row meanwhile. An event is kept until every token it concerns has expired:
-- the longest life of an access token, and five minutes for clocks.
create function append_revocation(new_kind text, new_key text, new_value bigint)
returns table (epoch bigint, seq bigint)
language sql
begin atomic
  with head as (
    update revocation_head h set seq = h.seq + 1 returning h.epoch, h.seq
  ),
  event as (
    insert into revocations (seq, epoch, kind, key, value, keep_until)
    select head.seq, head.epoch, new_kind, new_key, new_value, clock_timestamp() + interval '1 hour 5 minutes'
    from head
    returning revocations.epoch, revocations.seq
  )
  select event.epoch, event.seq from event;
end;

-- Who must have applied an event before its answer is 200. Rows are added under the head row's lock.
create table verifiers (
  name text primary key,
  client_id text not null,
  max_age double precision not null,
  seen_at timestamptz(3) not null default clock_timestamp(),
  -- What a verifier that reads the feed has applied; the others say it in Redis.
  epoch bigint not null default 0,
  seq bigint not null default 0
);

create table user_changes_head (
  id boolean primary key default true check (id),
  seq bigint not null default 0,
  base bigint not null default 0
);

insert into user_changes_head default values;

create table user_changes (
  seq bigint primary key,
  user_id uuid not null,
  username text not null,
  deleted boolean not null,
  at timestamptz(3) not null default clock_timestamp()
);

-- As append_revocation, for what other services keep of users.
create function append_user_change(changed_user uuid, new_username text, is_deleted boolean)
returns bigint
language sql
begin atomic
  with head as (
    update user_changes_head h set seq = h.seq + 1 returning h.seq
  )
  insert into user_changes (seq, user_id, username, deleted)
  select head.seq, changed_user, new_username, is_deleted from head
  returning user_changes.seq;
end;

create index user_changes_at on user_changes (at);
