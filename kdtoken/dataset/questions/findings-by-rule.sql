-- What the rules of audit saw, by rule: on how many hosts
-- What is everywhere is usually how this company's machines are; what is on one of them is worth a look first.
SELECT severity, rule, count(DISTINCT host) AS hosts, count(*) AS findings, min(host) AS some_host, min(saw) AS an_example
FROM findings
WHERE severity <> 'information'
GROUP BY severity, rule
ORDER BY severity, hosts, rule
