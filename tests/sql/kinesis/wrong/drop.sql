-- expect: 2:1: an application only creates: leave DROP out
DROP STREAM "X";
