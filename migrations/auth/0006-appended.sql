-- As before, but gives the whole event as it stands in the log, so that it can be carried without being read again.
drop function append_revocation(text, text, bigint);

create function append_revocation(new_kind text, new_key text, new_value bigint)
returns table (epoch bigint, seq bigint, keep_until timestamptz(3), at timestamptz(3))
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
  return query
    insert into revocations as r (seq, epoch, kind, key, value, keep_until)
    values (head.seq, head.epoch, new_kind, new_key, new_value, clock_timestamp() + interval '1 hour 5 minutes')
    returning r.epoch, r.seq, r.keep_until, r.at;
end
$$;
