-- expect: 5:1: loudness and again would both write refused records to loudness-rejects, each record twice: give one of them topics of its own with 'cutbank.rejects.topic' and 'cutbank.late.topic', or read the topic once
CREATE TABLE loudness (device STRING NOT NULL, volume DOUBLE) WITH (
    'connector' = 'kafka', 'topic' = 'loudness', 'properties.bootstrap.servers' = 'localhost:9092',
    'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
CREATE TABLE again (device STRING NOT NULL, volume DOUBLE) WITH (
    'connector' = 'kafka', 'topic' = 'loudness', 'properties.bootstrap.servers' = 'localhost:9092',
    'scan.startup.mode' = 'latest-offset', 'format' = 'json');
CREATE TABLE scores (device STRING, volume DOUBLE) WITH ('connector' = 'blackhole');
INSERT INTO scores SELECT * FROM loudness UNION ALL SELECT * FROM again;
