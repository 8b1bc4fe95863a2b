-- expect: 2:58: a typographic quote: write 'text' for a text
INSERT INTO scores SELECT * FROM loudness WHERE device = ‘hall’;
