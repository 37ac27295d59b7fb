-- A lesson is finished: its progress, and the percentage of the enrollment, in one transaction.
\set enrollment 1 + :enrollments - random_zipfian(1, :enrollments, 1.05)
\set position random(1, 8)
begin;
insert into lesson_progress as p (enrollment_id, lesson_id, status, watched_seconds, started_at, completed_at)
select e.id, l.id, 'completed', l.duration_seconds, now(), now()
  from enrollments e join lessons l on l.course_id = e.course_id and l.position = :position
 where e.id = :enrollment
    on conflict (lesson_id, enrollment_id) do update
   set status = 'completed', completed_at = coalesce(p.completed_at, excluded.completed_at), updated_at = now();
update enrollments e
   set progress_percentage = 100.0 * (select count(*) from lesson_progress
                                       where enrollment_id = e.id and status = 'completed')
                                   / (select count(*) from lessons where course_id = e.course_id),
       last_accessed_at = now()
 where e.id = :enrollment;
commit;
