-- The administrator's overview: courses on offer, and students about to finish.
select category, count(*), round(avg(rating_average), 2) as rating from courses where is_published group by category;
select count(*) from enrollments where status = 'active' and progress_percentage >= 90;
