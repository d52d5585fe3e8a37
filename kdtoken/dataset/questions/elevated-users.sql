-- Users' processes that are elevated: the full half of a UAC pair, or Administrators enabled
SELECT r.host, r.captured, r.user_name, r.image, r.pid, r.integrity_name, r.elevation
FROM running r
WHERE r.user_sid LIKE 'S-1-5-21-%' AND r.ended IS NULL
  AND (r.elevation = 'full'
       OR EXISTS (SELECT 1 FROM groups g
                  WHERE g.source = r.source AND g.token = r.token AND g.sid = 'S-1-5-32-544' AND g.enabled))
ORDER BY r.host, r.captured, r.user_name, r.pid
