-- Processes whose token holds SeDebugPrivilege enabled below High integrity
-- UAC takes the privilege out of what runs below High, so it came there by another way.
SELECT p.host, p.captured, p.image, p.pid, t.user_name, t.integrity_name
FROM privileges v
JOIN tokens t ON t.source = v.source AND t.token = v.token
JOIN processes p ON p.source = t.source AND p.token = t.token
WHERE v.name = 'SeDebugPrivilege' AND v.present AND v.enabled AND t.integrity < 12288  -- 12288 is High
ORDER BY p.host, p.captured, p.pid
