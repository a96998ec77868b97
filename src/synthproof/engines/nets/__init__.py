"""Small networks over codes, in numpy and numba: fast on two cores, the same bits on any machine's number of workers."""
