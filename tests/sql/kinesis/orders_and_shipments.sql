-- the join example of the reference: orders with shipments within a minute, and both times
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (result TIMESTAMP, "orderid" INTEGER, shipment TIMESTAMP, ordered TIMESTAMP);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM ROWTIME AS "resultrowtime", s."volume", s.rowtime AS "shipmenttime", o.ROWTIME AS "ordertime"
FROM (SELECT STREAM "volume", ROWTIME FROM "SOURCE_SQL_STREAM_001" WHERE sector = 'order') OVER (RANGE INTERVAL '1' MINUTE PRECEDING) AS o
JOIN (SELECT STREAM "volume" FROM "SOURCE_SQL_STREAM_001" WHERE sector = 'shipment') AS s ON o."volume" = s."volume" ;
