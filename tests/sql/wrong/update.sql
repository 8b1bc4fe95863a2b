-- expect: 2:1: UPDATE is a batch statement, and a pipeline is one job over streams: write the changed rows with INSERT INTO
UPDATE scores SET volume = 0;
