-- The sealer works in passes, a few series at a time. Of blocks up to `pass_end` (zero: no
-- pass is under way) the samples of series up to `pass_series` are on the shelves already.
ALTER TABLE log ADD COLUMN pass_end INTEGER NOT NULL DEFAULT 0;
ALTER TABLE log ADD COLUMN pass_series INTEGER NOT NULL DEFAULT 0;
-- The last block that was taken out of the log without being sealed: its id is not used
-- again either.
ALTER TABLE log ADD COLUMN taken_out INTEGER NOT NULL DEFAULT 0;
