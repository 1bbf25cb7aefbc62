-- The prelude of every script: what lifetime of the history is this, and up to where does it reach?
-- KEYS: log, meta, seen.  ARGV[1]: the epoch to install if the history was lost.  ARGV[2]: the space's channel.
-- ARGV[3]: the highest number the caller knows, so that numbers never go back.
-- Redis may have lost its tail in a restart, failover or restore, and does not say so: the run_id of the
-- server stands beside the epoch, and the newest entry of the log must be the newest number given out.
local function renew(n)
  local run, number = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)'), string.format('%d', n)
  redis.call('DEL', KEYS[1], KEYS[3])
  redis.call('HDEL', KEYS[2], 'claimed')
  redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'run', run, 'n', number, 'base', number)
  redis.call('PUBLISH', ARGV[2], 'epoch')
  return n
end

local function history()
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  local meta = redis.pcall('HMGET', KEYS[2], 'epoch', 'run', 'n', 'base')
  if meta.err then redis.call('DEL', KEYS[2]); meta = {} end
  local n, base = tonumber(meta[3] or 0) or 0, tonumber(meta[4] or 0) or 0
  local newest = redis.pcall('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
  local head = base
  if newest.err then head = -1
  elseif newest[1] then head = tonumber(string.match(newest[1][1], '^(%d+)')) end
  if meta[1] and meta[2] == run and head == n then return meta[1], n end
  return ARGV[1], renew(math.max(n, head, tonumber(ARGV[3])))
end
