#!/bin/sh
# A Redis. With profile `ha` it asks who is the primary before it starts, and follows that one. Nothing of it is kept:
# PostgreSQL holds whatever must not be lost, and any of the two may begin.
set -eu
case ",${COMPOSE_PROFILES:-}," in *,ha,*) ;; *) exec redis-server "$@" ;; esac

REDISCLI_AUTH=$(cat /run/portcullis/replication_password)
export REDISCLI_AUTH

# The address that the Sentinels give; nothing if none answers.
ask() {
  for sentinel in sentinel-1 sentinel-2 sentinel-3; do
    timeout 2 redis-cli --user sentinel -h $sentinel -p 26379 sentinel get-master-addr-by-name portcullis 2>/dev/null | head -1 && return
  done | grep '[0-9]' | head -1
}
is_primary() { [ -n "$1" ] && timeout 2 redis-cli --user replication -h "$1" role 2>/dev/null | head -1 | grep -q master; }

me=$(hostname -i)
other=$([ "$MEMBER" = redis ] && echo redis-2 || echo redis)
primary='' tries=0
while [ -z "$primary" ]; do
  named=$(ask || true) tries=$((tries + 1))
  for one in "$named" $other; do
    [ "$one" = "$me" ] || is_primary "$one" && primary=$one && break
  done
  # Nobody is there to be asked, or those who are do not find anybody either.
  if [ -z "$primary" ] && [ "$MEMBER" = redis ] && { [ -z "$named" ] || [ $tries -gt 15 ]; }; then primary=$me; fi
  [ -n "$primary" ] || sleep 1
done

file=/tmp/redis.conf
printf 'masteruser replication\nmasterauth %s\n' "$REDISCLI_AUTH" >$file
[ "$primary" = "$me" ] || echo "replicaof $primary 6379" >>$file
unset REDISCLI_AUTH
# A primary that nobody follows takes no writes: Sentinel may have made the other one primary.
exec redis-server $file "$@" --min-replicas-to-write 1 --min-replicas-max-lag 3 --repl-diskless-sync-delay 0
