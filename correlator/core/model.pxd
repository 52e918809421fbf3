# C types for model.py: the values that are made for every connection and every statement.

cdef class Owner:
    cdef readonly object pid
    cdef readonly str process
    cdef readonly str cmdline
    cdef readonly str user
    cdef readonly str cgroup
    cdef readonly str container
    cdef readonly str path
    cdef readonly object ppid
    cdef readonly object started_at

cdef class Socket:
    cdef readonly object family
    cdef readonly bytes local
    cdef readonly int local_port
    cdef readonly bytes remote
    cdef readonly int remote_port
    cdef readonly object state
    cdef readonly object inode
    cdef readonly object uid
    cdef readonly object cookie
    cdef readonly object v6only
    cdef readonly str cgroup
    cdef readonly str netns

cdef class Evidence:
    cdef readonly object at
    cdef readonly object source
    cdef readonly Socket socket
    cdef readonly object asked
    cdef readonly Owner owner
    cdef readonly object tcp_info
    cdef readonly object since
    cdef readonly object owner_by
    cdef readonly object born
    cdef readonly bint foreign

cdef class Ownership:
    cdef readonly object at
    cdef readonly object inode
    cdef readonly Owner owner
    cdef readonly str netns

cdef class Clipped:
    cdef readonly Evidence evidence
    cdef readonly str local_prefix
    cdef readonly str remote_prefix

cdef class Gap:
    cdef readonly long long since
    cdef readonly long long at

cdef class Lookup:
    cdef readonly object four_tuple
    cdef readonly str interface
