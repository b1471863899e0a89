#!/usr/bin/env bash
# A server of PostgreSQL. With profile `ha` it asks who leads before it starts: the leader starts as it is, and the
# other one follows it. One that has led before never starts as it is: what it has may not be what was acknowledged.
set -euo pipefail
[[ ",${COMPOSE_PROFILES:-}," == *,ha,* ]] || exec docker-entrypoint.sh "$@"

me=$MEMBER slot=${MEMBER//-/_} role=portcullis_replication
PGPASSWORD=$(</run/portcullis/replication_password)
export PGPASSWORD

# Prints the leader's name, and whether it can be written to; nothing if nobody knows.
ask() { timeout 2 bash -c 'exec 3<>/dev/tcp/database/5433 && head -1 <&3' 2>/dev/null || true; }
on_leader() { psql --host "$leader" --username $role --dbname postgres --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 "$@"; }

# The leader's files while it runs, by PostgreSQL's low-level interface for backups: the other's volume is here to read.
copy_leader() {
  local new=/var/lib/postgresql/copy
  rm -rf "$new" && mkdir -p -m 700 "$new" "$(dirname "$PGDATA")"
  on_leader <<SQL
    select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '$slot';
    select pg_create_physical_replication_slot('$slot', true);
    select pg_backup_start('$me', true);
    \! tar --create --directory "/peer/${PGDATA#/var/lib/postgresql/}" --warning no-file-changed --ignore-failed-read --exclude './postmaster.*' --exclude './pg_wal/*' --exclude './pg_replslot/*' --exclude './pg_dynshmem/*' --exclude './pg_notify/*' --exclude './pg_serial/*' --exclude './pg_snapshots/*' --exclude './pg_stat_tmp/*' --exclude './pg_subtrans/*' --exclude pgsql_tmp --exclude pg_internal.init . | tar --extract --directory "$new"
    \o $new/backup_label
    select labelfile from pg_backup_stop(wait_for_archive => false);
SQL
  # It begins with the line of the place in the log, or the backup has not come to its end.
  grep -q '^START WAL LOCATION' "$new/backup_label" && [[ -s $new/global/pg_control ]]
  touch "$new/standby.signal"
  rm -rf "$PGDATA" && mv "$new" "$PGDATA"
}

# The role by which the other server follows, and by which it is decided who leads.
prepare() {
  psql --host /var/run/postgresql --username postgres --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set password="$PGPASSWORD" >/dev/null <<SQL
    set synchronous_commit = local;
    select not pg_is_in_recovery() as leads \gset
    \if :leads
      select 'create role $role' where not exists (select from pg_roles where rolname = '$role') \gexec
      alter role $role login replication password :'password';
      grant pg_monitor to $role;
      grant execute on function pg_backup_start, pg_backup_stop, pg_promote, pg_reload_conf to $role;
      grant alter system on parameter synchronous_standby_names to $role;
    \endif
SQL
}

trap exit INT TERM
read -r leader state < <(ask) || true
# To follow takes a leader that answers; to lead takes only to know it.
until [[ $leader == "$me" || ${state:-} == writable ]]; do
  sleep 0.5
  read -r leader state < <(ask) || true
done
follow=()
if [[ $leader != "$me" ]]; then
  usable="select count(*) from pg_replication_slots where slot_name = '$slot' and wal_status in ('reserved', 'extended')"
  if [[ ! -f $PGDATA/standby.signal ]] || [[ $(on_leader --command "$usable") != 1 ]]; then
    echo "copies $leader"
    copy_leader
  fi
  follow=(-c "primary_conninfo=host=$leader user=$role application_name=$me" -c "primary_slot_name=$slot")
fi

docker-entrypoint.sh "$@" -c hba_file=/etc/portcullis/pg_hba.conf "${follow[@]}" &
server=$!
trap 'kill -INT $server; wait $server; exit' INT TERM
prepared=
while kill -0 $server 2>/dev/null; do
  [[ $leader != "$me" || -n $prepared ]] || { prepare 2>/dev/null && prepared=yes; }
  sleep 1 & wait $!
  read -r now _ < <(ask) || true
  [[ -n $now && $now != "$leader" ]] || continue
  # Another leads: stop without a word to whoever is connected, and follow it after the next start.
  [[ $now == "$me" ]] || { echo "$now leads"; kill -QUIT $server; wait $server || true; exit 1; }
  leader=$now
done
wait $server
