-- Which order each key became that an owner sent with a request, whatever the request was.

CREATE TABLE order_key (
    key TEXT PRIMARY KEY CHECK (key <> ''),
    intent_id INTEGER NOT NULL REFERENCES intent
) STRICT, WITHOUT ROWID;

INSERT INTO order_key
SELECT substr(source_id, 5), intent_id FROM intent
WHERE order_class = 'manual' AND source_id LIKE 'key:_%' AND step = 1 AND attempt = 1;
