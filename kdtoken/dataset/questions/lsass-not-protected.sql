-- Hosts where lsass.exe is not a protected process (PPL)
-- Windows before 8.1 has no such protection: there the column says "not in this build".
SELECT host, captured, pid, coalesce(protection_name, map_extract(missing, 'protection')[1]) AS protection
FROM processes
WHERE lower(image) = 'lsass.exe' AND ended IS NULL AND coalesce(protection, 0) = 0
ORDER BY host, captured
