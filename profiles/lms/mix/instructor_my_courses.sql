-- An instructor's start page: the courses, with their students by status.
\set instructor :first_instructor + random_zipfian(1, :instructors, 1.05) - 1
select c.id, c.title, c.is_published, c.rating_average,
       (select count(*) from enrollments e where e.course_id = c.id and e.status = 'active') as active,
       (select count(*) from enrollments e where e.course_id = c.id and e.status = 'completed') as completed
  from courses c
 where c.instructor_id = :instructor
 order by c.created_at desc
 limit 10;
