-- expect: 2:8: CREATE is followed by TABLE, VIEW, FUNCTION, CATALOG, DATABASE or MODEL, not by INDEX
CREATE INDEX i ON loudness (device);
