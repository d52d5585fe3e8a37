-- Processes that run on a token which is another's: System's, a neighbour's, or one that was copied whole
-- An exploit in the kernel that "steals" System's token leaves such a process: two EPROCESS lead to one _TOKEN, or to
-- two with one TokenId.  The rules are those of `kdtoken audit`; --explain RULE tells how each may be innocent.
SELECT severity, host, captured, image, pid, rule, saw
FROM findings
WHERE rule IN ('shared-token', 'boot-token', 'twin-token', 'system-under-user', 'child-gained')
ORDER BY severity, host, captured, pid, rule
