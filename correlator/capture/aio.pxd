# aio.py in C.
cdef extern from *:
    """
    #include <aio.h>
    #include <errno.h>
    #include <string.h>
    #include <unistd.h>

    typedef struct {
        struct aiocb block;
        PyObject *bytes;  /* nobody else's until it is finished */
        int is_queued;    /* the C library has it */
        ssize_t got;      /* where it has not */
        int error;
    } Aio;

    static pid_t aio_owner;  /* fork(2) leaves the threads behind: a child has none, and reads by itself */

    static Aio *aio_of(PyObject *capsule) {
        Aio *one = (Aio *)PyCapsule_GetPointer(capsule, NULL);
        if (one != NULL && one->is_queued && getpid() != aio_owner) {
            one->is_queued = 0;
            one->error = ECANCELED;
        }
        return one;
    }

    static int aio_wait(Aio *one) {  /* with or without the interpreter's lock; 0, or -1 where a signal came */
        const struct aiocb *list[1] = {&one->block};
        while (one->is_queued && aio_error(&one->block) == EINPROGRESS)
            if (aio_suspend(list, 1, NULL) < 0 && errno == EINTR)
                return -1;
        return 0;
    }

    static void aio_settle(Aio *one) {  /* take the result over from the C library */
        if (one->is_queued) {
            one->error = aio_error(&one->block);
            one->got = aio_return(&one->block);
            one->is_queued = 0;
        }
    }

    static void aio_carry_out(Aio *one) {
        Py_BEGIN_ALLOW_THREADS
        do {
            one->got = pread(one->block.aio_fildes, (void *)one->block.aio_buf, one->block.aio_nbytes,
                             one->block.aio_offset);
            one->error = one->got < 0 ? errno : 0;
        } while (one->error == EINTR);
        Py_END_ALLOW_THREADS
    }

    static void aio_drop(PyObject *capsule) {
        Aio *one = aio_of(capsule);
        if (one->is_queued)
            aio_cancel(one->block.aio_fildes, &one->block);
        while (aio_wait(one) < 0)
            ;
        aio_settle(one);
        Py_XDECREF(one->bytes);
        PyMem_Free(one);
    }

    static PyObject *aio_begin(int descriptor, Py_ssize_t size, long long offset) {
        Aio *one = (Aio *)PyMem_Calloc(1, sizeof *one);
        PyObject *capsule;
        if (one == NULL)
            return PyErr_NoMemory();
        if ((one->bytes = PyBytes_FromStringAndSize(NULL, size)) == NULL
            || (capsule = PyCapsule_New(one, NULL, aio_drop)) == NULL) {
            Py_XDECREF(one->bytes);
            PyMem_Free(one);
            return NULL;
        }
        one->block.aio_fildes = descriptor;
        one->block.aio_buf = PyBytes_AS_STRING(one->bytes);
        one->block.aio_nbytes = (size_t)size;
        one->block.aio_offset = offset;
        one->block.aio_sigevent.sigev_notify = SIGEV_NONE;
        if (!aio_owner)
            aio_owner = getpid();
        one->is_queued = getpid() == aio_owner && aio_read(&one->block) == 0;
        if (!one->is_queued)  /* no thread is to be had: it is read when it is finished */
            one->error = ECANCELED;
        return capsule;
    }

    static int aio_is_done(PyObject *capsule) {
        Aio *one = aio_of(capsule);
        return one == NULL ? -1 : !one->is_queued || aio_error(&one->block) != EINPROGRESS;
    }

    static int aio_take_over(PyObject *capsule) {
        Aio *one = aio_of(capsule);
        if (one == NULL)
            return -1;
        if (one->is_queued && aio_cancel(one->block.aio_fildes, &one->block) == AIO_CANCELED) {
            aio_settle(one);
            aio_carry_out(one);
        }
        return 0;
    }

    static PyObject *aio_finish(PyObject *capsule) {
        Aio *one = aio_of(capsule);
        PyObject *bytes;
        int state = 0;
        if (one == NULL)
            return NULL;
        while (1) {
            Py_BEGIN_ALLOW_THREADS
            state = aio_wait(one);
            Py_END_ALLOW_THREADS
            if (state == 0)
                break;
            if (PyErr_CheckSignals() < 0)
                return NULL;
        }
        aio_settle(one);
        if (one->error == ECANCELED)
            aio_carry_out(one);
        if (one->error) {
            errno = one->error;
            return PyErr_SetFromErrno(PyExc_OSError);
        }
        bytes = one->bytes;
        one->bytes = NULL;
        if (one->got < PyBytes_GET_SIZE(bytes))
            _PyBytes_Resize(&bytes, one->got);
        return bytes;
    }
    """
    object begin "aio_begin"(int descriptor, Py_ssize_t size, long long offset)
    bint is_done "aio_is_done"(object read) except -1
    int take_over "aio_take_over"(object read) except -1
    bytes finish "aio_finish"(object read)
