# A server under load that frees large values on its own threads: redis.sh REQUESTS
set -e
socket=$PWD/socket
redis-server --port 0 --unixsocket "$socket" --save '' --lazyfree-lazy-user-del yes \
  --lazyfree-lazy-user-flush yes &
until [ "$(redis-cli -s "$socket" ping 2>&1)" = PONG ]; do sleep 0.05; done
redis-benchmark -s "$socket" -n "$1" -r 5000 -d 200 -t set,get,incr,lpush,sadd,hset,zadd -q
for round in 1 2 3 4; do
  for key in 1 2 3 4 5 6; do
    redis-cli -s "$socket" eval \
      'for i = 1, 3000 do redis.call("hset", KEYS[1], "f" .. i, "value" .. i) end' 1 "hash$key"
  done
  redis-cli -s "$socket" del hash1 hash2 hash3 hash4 hash5 hash6 mylist myset
  redis-benchmark -s "$socket" -n "$(($1 / 10))" -r 1000 -d 90 -t lpush,sadd -q
done
redis-cli -s "$socket" flushall async
redis-cli -s "$socket" shutdown nosave || true
wait
