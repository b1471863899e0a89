create table tasks (
  id uuid primary key default uuidv7(),
  owner_id uuid not null references authors,
  title text not null,
  description text not null,
  status text not null check (status in ('todo', 'in_progress', 'done')),
  due_at timestamptz(3),
  version bigint not null default 1,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now()
);

create index tasks_owner on tasks (owner_id, id);
create index tasks_owner_status on tasks (owner_id, status, id);
