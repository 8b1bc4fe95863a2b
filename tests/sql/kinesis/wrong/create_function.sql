-- expect: 2:8: functions of your own are not supported: write the expression where it is used
CREATE FUNCTION f(a INTEGER) RETURNS INTEGER RETURN a + 1;
