-- As append_revocation, for several things of one kind, which take consecutive places in the order given. Nothing takes
-- none, and does not wait for the head row.
create function append_revocations(new_kind text, new_keys text[], new_value bigint)
returns table (key text, epoch bigint, seq bigint, keep_until timestamptz(3), at timestamptz(3))
language plpgsql
as $$
#variable_conflict use_column
declare
  head revocation_head;
begin
  if cardinality(new_keys) = 0 then
    return;
  end if;
  update revocation_head h set seq = h.seq + cardinality(new_keys) returning h.* into head;
  if not exists (select from current_history() c where c.system_id = head.system_id and c.timeline = head.timeline) then
    raise 'the log was written on another history' using errcode = 'PC001';
  end if;
  return query
    insert into revocations as r (seq, epoch, kind, key, value, keep_until)
    select head.seq - cardinality(new_keys) + k.place, head.epoch, new_kind, k.key, new_value,
      clock_timestamp() + interval '1 hour 5 minutes'
    from unnest(new_keys) with ordinality as k (key, place)
    returning r.key, r.epoch, r.seq, r.keep_until, r.at;
end
$$;

create or replace function append_revocation(new_kind text, new_key text, new_value bigint)
returns table (epoch bigint, seq bigint, keep_until timestamptz(3), at timestamptz(3))
language sql
begin atomic
  select a.epoch, a.seq, a.keep_until, a.at from append_revocations(new_kind, array[new_key], new_value) a;
end;

-- Ends sessions on behalf of many who do not know of each other, and appends an event for each that was alive. So that
-- none of them waits for what another one wants, a session or user whose row somebody holds is passed over. To be
-- called last in a transaction, as append_revocation is.
create function end_sessions(members json)
returns table (key text, epoch bigint, seq bigint, keep_until timestamptz(3), at timestamptz(3))
language plpgsql
as $$
declare
  member record;
  ended text[] := '{}';
begin
  -- One by one, by primary keys: a plan for all of them would be made for as many as the first call brings.
  for member in
    select * from json_to_recordset(members) as m (id uuid, user_id uuid, reason text, ended_at timestamptz)
  loop
    perform from users u where u.id = member.user_id for share skip locked;
    continue when not found;
    perform from sessions s
    where s.id = member.id and s.user_id = member.user_id and s.ended_at is null
    for update skip locked;
    continue when not found;
    update sessions s set ended_at = member.ended_at, end_reason = member.reason where s.id = member.id;
    ended := ended || member.id::text;
  end loop;
  return query select * from append_revocations('session', ended, 0);
end
$$;
