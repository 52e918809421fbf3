# C types for engine.py.
import cython
from correlator.core cimport tcp
from correlator.core.changes cimport Event
from correlator.core.counters cimport Counters
from correlator.core.flow cimport Flow
from correlator.core.frames cimport Frames
from correlator.core.handshake cimport half_open
from correlator.core.evidence cimport EvidenceIndex
from correlator.core.listeners cimport listener, oriented
from correlator.core.matcher cimport Match, match
from correlator.core.connection cimport Connection
from correlator.core.finding cimport Finding, unmatched
from correlator.core.model cimport Socket
from correlator.core.segment cimport Segment
from correlator.core.explain cimport explain, without_socket
from correlator.core.verdict cimport cause, verdict
from correlator.core.tracker cimport Tracker

cdef class _Watch:
    cdef public long long due
    cdef public Flow flow
    cdef public int turn
    cdef public bint announced
    cdef public bint waited

@cython.final
cdef class Engine:
    cdef public object config
    cdef public Tracker tracker
    cdef public EvidenceIndex index
    cdef public Counters counters
    cdef public tuple _watched
    cdef public object _attempts
    cdef public object _held
    cdef readonly Py_ssize_t most_held
    cdef object _interfaces
    cdef object _legs
    cdef list _out
    cdef long long _now
    cdef object _patience

    cpdef int evidence(self, statement) except -1
    @cython.locals(begin=Py_ssize_t)
    cpdef int take_in(self, Frames frames) except -1
    cpdef Flow segment(self, Segment segment)
    @cython.locals(found=list)
    cpdef list findings(self, Connection connection, bint final)
    @cython.locals(watch=_Watch)
    cpdef int tick(self, long long now) except -1
    @cython.locals(flow=Flow, connection=Connection, finding=Finding, found=list, known=bint, last=bint)
    cdef bint _look(self, _Watch watch, long long now) except -1
    cdef int _ask_again(self, Connection connection, _Watch watch, long long now) except -1
    cdef int _ask_both(self, Connection connection) except -1
    cdef int _announce(self, list found) except -1
    @cython.locals(event=Event, flow=Flow, connection=Connection)
    cdef int _drain(self, long long now) except -1
    cdef _report(self, Connection connection, long long now)
    cdef int _emit(self, Connection connection) except -1
    @cython.locals(counters=Counters)
    cdef int _emit_one(self, Finding finding) except -1
    @cython.locals(socket=Socket, origin=Socket)
    cdef Finding _finding(self, Connection connection, side, Match matched, bint final, Connection leg=*)

cdef Finding _unmatched(Connection connection, bint final)
