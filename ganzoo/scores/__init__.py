"""Numbers about a trained game: got, compared, reproduced.

yielded        what an evaluator yields, held to its contract
evaluation     a checkpoint scored, each number with its protocol
samples_file   other people's samples, scored the same way
comparing      several runs side by side: ranked if scored alike
reproducing    a run trained and scored by a command, unless it was already
table_files    tables of such runs, read and checked
table_pages    tables of such runs, written into a page
result_tables  the runs of a table done, one after the other
"""
