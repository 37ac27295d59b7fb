-- A video player's heartbeat: where the student is in a lesson.
\set enrollment 1 + :enrollments - random_zipfian(1, :enrollments, 1.05)
\set position random(1, 8)
\set seconds random(1, 120)
insert into lesson_progress as p (enrollment_id, lesson_id, status, watched_seconds, last_position_seconds, started_at)
select e.id, l.id, 'in_progress', :seconds, :seconds, now()
  from enrollments e join lessons l on l.course_id = e.course_id and l.position = :position
 where e.id = :enrollment
    on conflict (lesson_id, enrollment_id) do update
   set watched_seconds = p.watched_seconds + excluded.watched_seconds,
       last_position_seconds = excluded.last_position_seconds,
       updated_at = now();
