-- Processes at System integrity in a user's session that are not Windows's own there
SELECT r.host, r.captured, p.session, r.image, r.pid, r.user_name, q.image AS parent
FROM running r
JOIN processes p ON p.source = r.source AND p.eprocess = r.eprocess
LEFT JOIN processes q ON q.source = p.source AND q.pid = p.parent_pid AND q.created <= p.created
WHERE p.session > 0 AND r.integrity >= 16384 AND r.ended IS NULL
  AND lower(r.image) NOT IN ('csrss.exe', 'winlogon.exe', 'fontdrvhost.exe', 'dwm.exe', 'logonui.exe')
ORDER BY r.host, r.captured, r.pid
