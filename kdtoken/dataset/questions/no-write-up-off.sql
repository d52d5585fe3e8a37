-- Tokens whose mandatory policy lets them write to objects of higher integrity
SELECT t.host, t.captured, p.image, p.pid, t.user_name, t.integrity_name, t.mandatory_policy
FROM tokens t
LEFT JOIN processes p ON p.source = t.source AND p.token = t.token
WHERE t.mandatory_policy & 1 = 0 AND t.integrity < 16384
ORDER BY t.host, t.captured, p.pid
