-- Sensitive privileges enabled in processes that are no service's, by image
-- "Sensitive": whoever holds it can become SYSTEM or reach any object.  Service accounts hold them as a matter of course.
SELECT p.image, v.name AS privilege, count(DISTINCT p.host) AS hosts, count(*) AS processes,
       any_value(t.user_name) AS a_user, min(t.integrity_name) AS an_integrity
FROM privileges v
JOIN tokens t ON t.source = v.source AND t.token = v.token
JOIN processes p ON p.source = t.source AND p.token = t.token
WHERE v.sensitive AND v.present AND v.enabled
  AND coalesce(t.user_sid, '') NOT IN ('S-1-5-18', 'S-1-5-19', 'S-1-5-20')
GROUP BY p.image, v.name
ORDER BY hosts, processes, p.image, privilege
