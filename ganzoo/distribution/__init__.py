"""Where a step runs: one device, several, several processes.

strategies  one device, all local GPUs, several workers
replicas    what lets one step run unchanged on all of them
workers     who the workers of a run are, and whether all have come
launching   workers on this machine: started together, ended together
"""
