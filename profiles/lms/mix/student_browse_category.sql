-- The catalogue: one page of a category's published courses, newest first, and how many there are.
\set category random_zipfian(1, 12, 1.1)
select count(*) from courses where is_published;
select c.id, c.title, c.slug, c.summary, c.level, c.price_cents, c.rating_average, c.rating_count, u.full_name
  from courses c
  join users u on u.id = c.instructor_id
 where c.is_published
   and c.category = (array['programming','data','design','business','languages','marketing','music','photography',
                           'health','mathematics','science','writing'])[:category]
 order by c.published_at desc
 limit 20;
