-- Threads that act for somebody stronger than their process: of higher integrity, or SYSTEM
-- Below the level "impersonation" the client's token serves to look at, not to act with.
SELECT h.host, h.captured, p.image, h.pid, h.tid, o.user_name AS process_user, o.integrity_name AS process_integrity,
       c.user_name AS client, c.integrity_name AS client_integrity, h.level
FROM threads h
JOIN processes p ON p.source = h.source AND p.eprocess = h.eprocess
JOIN tokens o ON o.source = p.source AND o.token = p.token
JOIN tokens c ON c.source = h.source AND c.token = h.token
WHERE h.level IN ('impersonation', 'delegation')
  AND (c.integrity > o.integrity OR (c.user_sid = 'S-1-5-18' AND o.user_sid <> 'S-1-5-18'))
ORDER BY h.host, h.captured, h.pid, h.tid
