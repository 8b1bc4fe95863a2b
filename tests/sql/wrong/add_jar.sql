-- expect: 2:1: ADD JAR is not supported: list jars in flink-conf/jars.xml, which puts them on the cluster too
ADD JAR '/tmp/x.jar';
INSERT INTO scores SELECT * FROM loudness;
