-- expect: 2:1: expected CREATE STREAM or CREATE PUMP, got hello
hello world
