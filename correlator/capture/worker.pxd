# worker.py in C.
from correlator.capture.walker cimport Walker
from correlator.wire.walk cimport Batch

cdef extern from *:
    """
    #include <errno.h>
    #include <pthread.h>
    #include <signal.h>
    #include <time.h>
    #include <unistd.h>

    typedef int (*WorkerFill)(void *whole, void *place);

    typedef struct {
        pthread_t thread;
        pthread_mutex_t lock;  /* of what follows, down to `is_stopped` */
        pthread_cond_t changed;
        unsigned long filled, taken;
        int is_last, is_stopped;
        int has_thread, is_taken;  /* nobody else's */
        pid_t owner;  /* fork(2) leaves the thread behind */
        WorkerFill fill;
        PyObject *whole, *places;  /* `whole` has us, and so outlives us */
    } Worker;

    static void worker_fill(Worker *worker) {  /* the next place, without the interpreter's lock */
        PyObject *place = PyTuple_GET_ITEM(worker->places,
                                           (Py_ssize_t)(worker->filled % (size_t)PyTuple_GET_SIZE(worker->places)));
        int is_more = worker->fill(worker->whole, place);
        pthread_mutex_lock(&worker->lock);
        worker->filled++;
        worker->is_last = !is_more;
        pthread_cond_broadcast(&worker->changed);
        pthread_mutex_unlock(&worker->lock);
    }

    static void *worker_run(void *found) {
        Worker *worker = (Worker *)found;
        size_t places = (size_t)PyTuple_GET_SIZE(worker->places);
        int goes_on = 1;
        while (goes_on) {
            pthread_mutex_lock(&worker->lock);
            while (!worker->is_stopped && worker->filled - worker->taken == places)
                pthread_cond_wait(&worker->changed, &worker->lock);
            goes_on = !worker->is_stopped && !worker->is_last;
            pthread_mutex_unlock(&worker->lock);
            if (goes_on)
                worker_fill(worker);
        }
        return NULL;
    }

    static void worker_stop(Worker *worker) {
        if (!worker->has_thread || worker->owner != getpid())
            return;
        pthread_mutex_lock(&worker->lock);
        worker->is_stopped = 1;
        pthread_cond_broadcast(&worker->changed);
        pthread_mutex_unlock(&worker->lock);
        pthread_join(worker->thread, NULL);
        worker->has_thread = 0;
    }

    static Worker *worker_of(PyObject *capsule) { return (Worker *)PyCapsule_GetPointer(capsule, NULL); }

    static void worker_drop(PyObject *capsule) {
        Worker *worker = worker_of(capsule);
        worker_stop(worker);
        Py_XDECREF(worker->places);
        PyMem_RawFree(worker);
    }

    static PyObject *worker_begin(WorkerFill fill, PyObject *whole, PyObject *places) {
        Worker *worker = (Worker *)PyMem_RawCalloc(1, sizeof *worker);
        PyObject *capsule;
        sigset_t ours, before;
        if (worker == NULL)
            return PyErr_NoMemory();
        if ((capsule = PyCapsule_New(worker, NULL, worker_drop)) == NULL) {
            PyMem_RawFree(worker);
            return NULL;
        }
        pthread_mutex_init(&worker->lock, NULL);
        pthread_cond_init(&worker->changed, NULL);
        worker->fill = fill;
        worker->whole = whole;
        worker->places = Py_NewRef(places);
        worker->owner = getpid();
        sigfillset(&ours);  /* signals are for the interpreter's threads, but for those that come of what is done here */
        sigdelset(&ours, SIGBUS);
        sigdelset(&ours, SIGFPE);
        sigdelset(&ours, SIGILL);
        sigdelset(&ours, SIGSEGV);
        pthread_sigmask(SIG_SETMASK, &ours, &before);
        worker->has_thread = pthread_create(&worker->thread, NULL, worker_run, worker) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return capsule;
    }
    #define WORKER_BEGIN(fill, whole, places) worker_begin((WorkerFill)(fill), (PyObject *)(whole), places)

    static int worker_wait(Worker *worker) {  /* for a place that is filled, or a while; whether there is one */
        struct timespec until;
        int is_filled;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 100000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_mutex_lock(&worker->lock);
        while (worker->filled == worker->taken && !worker->is_last)
            if (pthread_cond_timedwait(&worker->changed, &worker->lock, &until) == ETIMEDOUT)
                break;
        is_filled = worker->filled != worker->taken || worker->is_last;
        pthread_mutex_unlock(&worker->lock);
        return is_filled;
    }

    static PyObject *worker_take(PyObject *capsule) {
        Worker *worker = worker_of(capsule);
        int is_filled, is_none;
        if (worker == NULL)
            return NULL;
        if (worker->owner != getpid()) {
            PyErr_SetString(PyExc_RuntimeError, "the thread is another process's");
            return NULL;
        }
        pthread_mutex_lock(&worker->lock);
        if (worker->is_taken) {
            worker->taken++;
            worker->is_taken = 0;
            pthread_cond_broadcast(&worker->changed);
        }
        is_filled = worker->filled != worker->taken;
        is_none = !is_filled && worker->is_last;
        pthread_mutex_unlock(&worker->lock);
        if (!is_filled && !is_none && !worker->has_thread) {  /* none was to be had */
            Py_BEGIN_ALLOW_THREADS
            worker_fill(worker);
            Py_END_ALLOW_THREADS
            is_filled = 1;
        }
        while (!is_filled && !is_none) {
            Py_BEGIN_ALLOW_THREADS
            is_filled = worker_wait(worker);
            Py_END_ALLOW_THREADS
            if (!is_filled && PyErr_CheckSignals() < 0)
                return NULL;
            is_none = is_filled && worker->filled == worker->taken;
        }
        if (is_none)
            Py_RETURN_NONE;
        worker->is_taken = 1;
        return Py_NewRef(PyTuple_GET_ITEM(worker->places,
                                          (Py_ssize_t)(worker->taken % (size_t)PyTuple_GET_SIZE(worker->places))));
    }

    static int worker_end(PyObject *capsule) {
        Worker *worker = worker_of(capsule);
        if (worker == NULL)
            return -1;
        Py_BEGIN_ALLOW_THREADS
        worker_stop(worker);
        Py_END_ALLOW_THREADS
        worker->is_last = 1;
        worker->is_taken = 0;
        worker->filled = worker->taken;
        return 0;
    }
    """
    const bint IS_APART "1"
    object begin "WORKER_BEGIN"(bint (*fill)(Walker, Batch) noexcept nogil, Walker whole, tuple places)
    object take "worker_take"(object worker)
    int end "worker_end"(object worker) except -1
