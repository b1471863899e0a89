#!/bin/sh
# One of three that decide which Redis is the primary. It begins with what the others say, else with the one that is
# primary, and begins anew if there has been none for a while: containers that were all replaced have other addresses.
set -eu
password=$(cat /run/portcullis/replication_password)
file=/tmp/sentinel.conf

role() { REDISCLI_AUTH=$password timeout 2 redis-cli --user replication -h "$1" role 2>/dev/null | head -1; }
find_primary() {
  for sentinel in sentinel-1 sentinel-2 sentinel-3; do
    [ $sentinel = "$MEMBER" ] || timeout 2 redis-cli -h $sentinel -p 26379 sentinel get-master-addr-by-name portcullis 2>/dev/null | head -1
  done | grep '^[0-9.]*$' || true
  for name in redis redis-2; do getent hosts $name || true; done | cut -d ' ' -f 1
}

primary=''
while [ -z "$primary" ]; do
  for one in $(find_primary); do
    if [ "$(role "$one")" = master ]; then primary=$one && break; fi
  done
  [ -n "$primary" ] || sleep 1
done

cat >$file <<END
port 26379
dir /tmp
protected-mode no
sentinel monitor portcullis $primary 6379 2
sentinel down-after-milliseconds portcullis 2000
sentinel failover-timeout portcullis 10000
sentinel auth-user portcullis replication
sentinel auth-pass portcullis $password
sentinel sentinel-user sentinel
sentinel sentinel-pass $password
user sentinel on >$password allchannels +@all
user default on nopass allchannels -@all +@connection -@dangerous +info +role +subscribe +psubscribe +sentinel|get-master-addr-by-name +sentinel|sentinels +sentinel|replicas +sentinel|slaves
END
redis-sentinel $file &
sentinel=$!
trap 'kill $sentinel; wait $sentinel; exit' INT TERM
lost=0
while [ $lost -lt 30 ] && kill -0 $sentinel 2>/dev/null; do
  sleep 1 &
  wait $!
  if redis-cli -p 26379 info sentinel 2>/dev/null | grep -q 'status=ok'; then lost=0; else lost=$((lost + 1)); fi
done
kill $sentinel
exit 1
