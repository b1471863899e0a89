-- Answers to repeat, for 24 hours. Neither the key nor the body of a request can be read from its HMAC. The owner is the
-- id of the user whom the answer shows, so that nothing of it outlives the user.
create table idempotency_keys (
  key bytea primary key,
  owner text not null,
  body bytea not null,
  answer jsonb not null,
  created_at timestamptz not null default now()
);

create index idempotency_keys_created on idempotency_keys (created_at);
create index idempotency_keys_owner on idempotency_keys (owner);
