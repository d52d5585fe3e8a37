-- Accounts that have processes on several hosts
SELECT t.user_name, t.user_sid, count(DISTINCT t.host) AS hosts, list_sort(list(DISTINCT t.host))[1:5] AS some_hosts,
       count(DISTINCT p.image) AS images, max(t.integrity) >= 12288 AS elevated_somewhere
FROM tokens t
JOIN processes p ON p.source = t.source AND p.token = t.token
WHERE t.user_sid LIKE 'S-1-5-21-%'
GROUP BY t.user_name, t.user_sid
HAVING count(DISTINCT t.host) > 1
ORDER BY hosts DESC, t.user_sid
