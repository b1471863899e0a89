-- Which history the server is writing: it is another one after a promotion (the timeline), and on another cluster,
-- such as one that a backup was restored to (the system identifier). Fails on a standby. The name of the WAL file tells
-- the timeline at once after a promotion, when the last checkpoint still is of the timeline before.
create function current_history()
returns table (system_id text, timeline bigint)
language sql stable
begin atomic
  select system_identifier::text, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint
  from pg_control_system();
end;

update revocation_head h set (system_id, timeline) = (select c.system_id, c.timeline from current_history() c);

-- As before, but not on another history than that of the log: there places may be taken by events that this server has
-- lost and verifiers have not. The relay then begins a new epoch.
create or replace function append_revocation(new_kind text, new_key text, new_value bigint)
returns table (epoch bigint, seq bigint)
language plpgsql
as $$
#variable_conflict use_column
declare
  head revocation_head;
begin
  update revocation_head h set seq = h.seq + 1 returning h.* into head;
  if not exists (select from current_history() c where c.system_id = head.system_id and c.timeline = head.timeline) then
    raise 'the log was written on another history' using errcode = 'PC001';
  end if;
  insert into revocations (seq, epoch, kind, key, value, keep_until)
  values (head.seq, head.epoch, new_kind, new_key, new_value, clock_timestamp() + interval '1 hour 5 minutes');
  return query select head.epoch, head.seq;
end
$$;
