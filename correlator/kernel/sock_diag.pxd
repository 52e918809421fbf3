# C types for sock_diag.py.
import cython
from correlator.core.model cimport Socket
from correlator.core.words cimport half, long_word, word

cdef int _INFO_BEGIN
cdef int _INFO_END

cdef class Entry:
    cdef readonly Socket socket
    cdef readonly object tcp_info

@cython.locals(width=Py_ssize_t, uid=cython.uint, inode=cython.uint, at=Py_ssize_t, length=Py_ssize_t, kind=int,
               begin=Py_ssize_t, size=Py_ssize_t, cgroup=str)
cpdef Entry entry(bytes message, cgroup_path, str netns)
