create table roles (
  name text primary key check (name ~ '^[a-z0-9_-]{1,32}$'),
  description text not null default '',
  built_in boolean not null default false,
  created_at timestamptz(3) not null default now()
);

insert into roles (name, description, built_in) values
  ('admin', 'May do everything', true),
  ('moderator', 'May change and delete the posts of others', true),
  ('user', 'Everybody who signs up', true);

-- Roles live in the users row, so that a reader never sees a new version with old roles.
create table users (
  id uuid primary key default uuidv7(),
  username text not null,
  email text,
  full_name text,
  password_hash text not null,
  roles text[] not null default '{user}',
  status text not null default 'active' check (status in ('active', 'disabled')),
  ver bigint not null default 1,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now()
);

create unique index users_username_key on users (lower(username) text_pattern_ops);
create unique index users_email_key on users (lower(email));
create index users_active_admins on users (id) where status = 'active' and 'admin' = any (roles);
create index users_roles on users using gin (roles);

create table sessions (
  id uuid primary key default uuidv7(),
  user_id uuid not null references users on delete cascade,
  -- The pair in use. A refresh token is signed from these columns alone, so that the same pair always gives the same text.
  gen bigint not null default 1,
  refresh_kid text not null,
  issued_at timestamptz(0) not null,
  expires_at timestamptz(0) not null,
  -- How and when the pair before was left behind: the refresh token was used, or a profile change superseded it.
  rotated_by text check (rotated_by in ('refresh', 'profile')),
  rotated_at timestamptz(3),
  ends_at timestamptz(0) not null,
  ended_at timestamptz(3),
  end_reason text,
  created_at timestamptz(3) not null default now(),
  last_used_at timestamptz(3) not null default now(),
  ip inet,
  user_agent text
);

create index sessions_live on sessions (user_id, id) where ended_at is null;
create index sessions_expired on sessions (expires_at) where ended_at is null;
create index sessions_ended on sessions (ended_at) where ended_at is not null;
create index sessions_user on sessions (user_id);

create table login_history (
  id uuid primary key default uuidv7(),
  user_id uuid not null references users on delete cascade,
  at timestamptz(3) not null default now(),
  ip inet,
  user_agent text,
  outcome text not null,
  session_id uuid
);

create index login_history_user on login_history (user_id, id desc);
create index login_history_at on login_history (at);
