-- One page of the user list, from a given user on.
\set after random(0, :first_student + :students)
select id, email, full_name, role, is_active, last_login_at, created_at
  from users
 where id > :after
 order by id
 limit 50;
