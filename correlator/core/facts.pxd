# C types for facts.py.
import cython
from correlator.core.model cimport Socket

cpdef object same_socket(Socket one, Socket other)
@cython.locals(result=Socket, older=Socket, shape=Socket)
cpdef Socket merged(list sockets, family)
cdef Socket _with_facts(Socket socket, inode, uid, cookie, v6only, str cgroup, str netns)
