-- Threads that could log on to other machines as their client: level delegation
SELECT h.host, h.captured, p.image, h.pid, h.tid, c.user_name AS client, c.user_sid, c.logon_id
FROM threads h
JOIN processes p ON p.source = h.source AND p.eprocess = h.eprocess
JOIN tokens c ON c.source = h.source AND c.token = h.token
WHERE h.level = 'delegation'
ORDER BY client, h.host, h.captured, h.tid
