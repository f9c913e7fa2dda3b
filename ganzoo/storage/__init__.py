"""What is kept on disk: of a run in its folder, of data sets in a cache.

whole_files       files that are whole or not there
cache             what is computed once per data set
checkpoint_files  one checkpoint: written, verified on reading
checkpoints       those of a run: what of a game is kept, which of them stay
run_directory     a run's folder: one recipe, one process at a time
"""
