# C types for sock_diag.py.
import cython
from correlator.core.model cimport Socket
from correlator.core.words cimport half, long_word, piece, word

cdef int _INFO_BEGIN
cdef int _INFO_END

cdef class Entry:
    cdef readonly Socket socket
    cdef readonly object tcp_info
    cdef readonly long long at
    cdef readonly long long since
    cdef readonly bint foreign

@cython.locals(width=Py_ssize_t, uid=cython.uint, inode=cython.uint, place=Py_ssize_t, length=Py_ssize_t, kind=int,
               begin=Py_ssize_t, size=Py_ssize_t, cgroup=str)
cpdef Entry entry(bytes message, cgroup_path, str netns, long long at, long long since, bint foreign)
