-- A student's start page: the active courses and how far each one is, the latest used first.
\set student :first_student + random_zipfian(1, :students, 1.05) - 1
select full_name, avatar_url, locale, time_zone from users where id = :student;
select e.id, e.course_id, c.title, c.thumbnail_url, e.progress_percentage, e.last_accessed_at
  from enrollments e join courses c on c.id = e.course_id
 where e.student_id = :student and e.status = 'active'
 order by e.last_accessed_at desc
 limit 20;
