create table posts (
  id uuid primary key default uuidv7(),
  author_id uuid not null references authors,
  title text not null,
  description text not null,
  version bigint not null default 1,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now()
);

-- Lists are read from the newest id down; the primary key serves those that are not of one author.
create index posts_author on posts (author_id, id);
