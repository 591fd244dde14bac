-- Taking a text apart is expensive, and the planner has to know: it must never do so row by row
-- where the index can tell.
alter function usherd_trigrams(text) cost 10000;
