-- Tokens of each logon session, on all hosts: who logged on, and what carries it
-- A logon id is one machine's own.  The same account with sessions on many hosts is what lateral movement looks like.
SELECT t.host, t.captured, t.logon_id, t.logon_authority, t.logon_account, count(DISTINCT t.token) AS tokens_of_it,
       count(DISTINCT p.eprocess) AS processes, count(DISTINCT h.ethread) AS impersonating_threads,
       bool_or(t.elevation = 'full') AS elevated
FROM tokens t
LEFT JOIN processes p ON p.source = t.source AND p.token = t.token
LEFT JOIN threads h ON h.source = t.source AND h.token = t.token
WHERE t.user_sid LIKE 'S-1-5-21-%' OR t.user_sid LIKE 'S-1-12-1-%'
GROUP BY t.host, t.captured, t.source, t.logon_id, t.logon_authority, t.logon_account
ORDER BY t.logon_authority, t.logon_account, t.host, t.captured, t.logon_id
