-- Images that run at an integrity level which they have on few of the hosts
SELECT image, integrity_name, hosts, of_hosts, some_host
FROM (
    SELECT image, integrity_name, count(DISTINCT host) AS hosts, min(host) AS some_host,
           max(total) AS of_hosts
    FROM running JOIN (SELECT image, count(DISTINCT host) AS total FROM processes GROUP BY image) USING (image)
    WHERE integrity_name IS NOT NULL
    GROUP BY image, integrity_name
)
WHERE hosts * 10 <= of_hosts OR (of_hosts > 1 AND hosts = 1)
ORDER BY hosts, image, integrity_name
