-- Sources that could not be read, or not from end to end, and why
SELECT path, size, coalesce(error, array_to_string(problems, '; ')) AS why
FROM sources
WHERE error IS NOT NULL OR NOT whole OR len(problems) > 0
ORDER BY error IS NULL, path
