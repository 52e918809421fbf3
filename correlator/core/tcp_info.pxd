# C types for tcp_info.py.
from correlator.core.words cimport long_word, word

cdef class TcpInfo:
    cdef bytes _kept
