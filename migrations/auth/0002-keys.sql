-- Private halves are sealed with AES-256-GCM; sealed_by names the sealing key.
create table signing_keys (
  kid text primary key,
  alg text not null check (alg in ('ES256', 'RS256')),
  public_jwk jsonb not null,
  sealed bytea not null,
  sealed_by text not null,
  state text not null check (state in ('standby', 'active', 'retired', 'compromised')),
  created_at timestamptz(3) not null default now(),
  activated_at timestamptz(3),
  retired_at timestamptz(3)
);

create unique index signing_keys_active on signing_keys (state) where state = 'active';
create unique index signing_keys_standby on signing_keys (state) where state = 'standby';

create table refresh_keys (
  kid text primary key,
  sealed bytea not null,
  sealed_by text not null,
  state text not null check (state in ('active', 'retired', 'compromised')),
  created_at timestamptz(3) not null default now(),
  retired_at timestamptz(3)
);

create unique index refresh_keys_active on refresh_keys (state) where state = 'active';

create table clients (
  client_id text primary key check (client_id ~ '^[A-Za-z0-9._-]{1,64}$'),
  name text not null,
  secret_hash text not null,
  scopes text[] not null default '{}',
  status text not null default 'active' check (status in ('active', 'disabled')),
  ver bigint not null default 1,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now()
);
