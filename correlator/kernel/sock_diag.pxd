# C types for sock_diag.py.
import cython
from correlator.core.model cimport Socket
from correlator.core.words cimport half, long_word, word

cdef class Entry:
    cdef readonly Socket socket
    cdef readonly dict tcp_info

@cython.locals(width=Py_ssize_t, uid=cython.uint, inode=cython.uint, at=Py_ssize_t, length=Py_ssize_t, kind=int,
               begin=Py_ssize_t, size=Py_ssize_t, info=dict, cgroup=str)
cpdef Entry entry(bytes message, cgroup_path, str netns)

@cython.locals(info=dict, at=Py_ssize_t)
cdef dict _tcp_info(bytes message, Py_ssize_t begin, Py_ssize_t size)
