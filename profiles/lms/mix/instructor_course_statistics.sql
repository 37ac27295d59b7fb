-- How one course is doing: students by status, and how many finished each of the first lessons.
\set rank random_zipfian(1, :published_courses, 1.05) - 1
\set course 1 + (:rank * 7919) % :courses
select status, count(*) from enrollments where course_id = :course group by status;
select l.position, l.title,
       (select count(*) from lesson_progress p where p.lesson_id = l.id and p.status = 'completed') as completed
  from lessons l
 where l.course_id = :course and l.position <= 5
 order by l.position;
