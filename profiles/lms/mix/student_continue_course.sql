-- Opening a course one is enrolled in: every lesson with its progress.
\set enrollment 1 + :enrollments - random_zipfian(1, :enrollments, 1.05)
select l.id, l.position, l.title, l.kind, l.duration_seconds, p.status, p.last_position_seconds
  from enrollments e
  join lessons l on l.course_id = e.course_id
  left join (select lesson_id, status, last_position_seconds from lesson_progress where enrollment_id = :enrollment) p
    on p.lesson_id = l.id
 where e.id = :enrollment
 order by l.position;
