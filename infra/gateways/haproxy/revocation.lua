-- Has a token been revoked? One MGET in Redis, as docs/revocation.md tells under "Looking up".
--
-- The action `revocation` reads txn.ep, ver, gen, jti, sub, sid, client_id and kid of a token whose signature and claims
-- are good, and sets txn.verdict: `good`, `bad`, or `unknown` where nobody can tell, which is to be answered with 503. It
-- also reads txn.roles out of txn.token, names with commas in between, since jwt_payload_query gives no lists.

local host = os.getenv('REVOCATION_REDIS_HOST') or '127.0.0.1'
local port = tonumber(os.getenv('REVOCATION_REDIS_PORT') or '6379')
local database = os.getenv('REVOCATION_REDIS_DB') or '1'
local user = os.getenv('REVOCATION_REDIS_USER') or 'default'
local password = os.getenv('REVOCATION_REDIS_PASSWORD') or ''
local PATIENCE_SECONDS = 1

-- A command in the form that Redis reads (RESP): lengths before texts, so that no text is taken for anything else.
local function command(...)
  local words = { ... }
  local parts = { '*' .. #words .. '\r\n' }
  for _, word in ipairs(words) do
    parts[#parts + 1] = '$' .. #word .. '\r\n' .. word .. '\r\n'
  end
  return table.concat(parts)
end

local function answer(socket)
  local line = assert(socket:receive('*l')):gsub('\r$', '')
  local kind, rest = line:sub(1, 1), line:sub(2)
  if kind == '+' or kind == ':' then return rest end
  if kind == '$' then
    local length = tonumber(rest)
    if length < 0 then return false end
    return assert(socket:receive(length + 2)):sub(1, length)
  end
  if kind == '*' then
    local values = {}
    for index = 1, tonumber(rest) do values[index] = answer(socket) end
    return values
  end
  error('redis says ' .. line)
end

local function look_up(keys)
  local socket = core.tcp()
  socket:settimeout(PATIENCE_SECONDS)
  assert(socket:connect(host, port))
  local question = command('SELECT', database) .. command('MGET', table.unpack(keys))
  if password ~= '' then question = command('AUTH', user, password) .. question end
  assert(socket:send(question))
  if password ~= '' then answer(socket) end
  answer(socket)
  local values = answer(socket)
  socket:close()
  return values
end

-- Whether the log, as far as its head tells, has reached the position that the caller wants to see.
local function verdict_at(epoch, seq, wanted)
  local wanted_epoch, wanted_seq = wanted:match('^(%d+)-(%d+)$')
  if not wanted_epoch or #wanted_epoch > 16 or #wanted_seq > 16 then return 'malformed' end
  wanted_epoch, wanted_seq = tonumber(wanted_epoch), tonumber(wanted_seq)
  local is_reached = epoch > wanted_epoch or (epoch == wanted_epoch and seq >= wanted_seq)
  return is_reached and 'good' or 'unknown'
end

local function decide(token, wanted)
  local prefix = '{revocations}:'
  local keys = {
    prefix .. 'head',
    prefix .. 'token:' .. token.jti,
    prefix .. 'key:' .. token.kid,
    prefix .. 'client:' .. token.client_id,
    prefix .. 'user:' .. token.sub,
    prefix .. 'session:' .. (token.sid or ''),
    prefix .. 'session_gen:' .. (token.sid or ''),
  }
  local head, of_token, of_key, of_client, of_user, of_session, of_gen = table.unpack(look_up(keys))
  -- Without a head nobody has spoken for the log for two seconds.
  if not head then return 'unknown' end
  local epoch, seq = head:match('^(%d+)-(%d+)-')
  epoch, seq = tonumber(epoch), tonumber(seq)
  if epoch > token.ep or of_token or of_key then return 'bad' end
  if token.sid then
    if of_session then return 'bad' end
    if of_gen and tonumber(of_gen) > token.gen then return 'bad' end
    if of_user and tonumber(of_user) > token.ver then return 'bad' end
  elseif of_client and tonumber(of_client) > token.ver then
    return 'bad'
  end
  if wanted then return verdict_at(epoch, seq, wanted) end
  return 'good'
end

-- In JSON no text holds a quote that is not escaped, so that what this finds is a member and not part of a text.
local function roles_of(txn)
  local payload = txn.c:ub64dec(txn:get_var('txn.token'):match('^[^.]*%.([^.]*)%.'))
  local list = payload:match('"roles"%s*:%s*%[([^%]]*)%]') or ''
  return (list:gsub('["%s]', ''))
end

core.register_action('revocation', { 'http-req' }, function(txn)
  local token = {}
  for _, name in ipairs({ 'ep', 'ver', 'gen', 'jti', 'kid', 'client_id', 'sub', 'sid' }) do
    token[name] = txn:get_var('txn.' .. name)
  end
  local wanted = txn.http:req_get_headers()['if-revocation-position']
  local is_whole, verdict = pcall(decide, token, wanted and wanted[0])
  if not is_whole then
    core.log(core.err, 'revocation: ' .. tostring(verdict))
    verdict = 'unknown'
  end
  txn:set_var('txn.verdict', verdict)
  if verdict == 'good' then txn:set_var('txn.roles', roles_of(txn)) end
end)
