/*
 * A stand-in for NCCL among processes of one machine: it has no device, it reduces host memory through a file that the processes map.
 * With the stand-in driver, whose memory is the host's, what a run would sum on its devices is summed here. Tests build it with the
 * system's C compiler.
 *
 * Like NCCL it refuses what it cannot take with a result code and knows the text of each. FAKENCCL_FAULT makes one: "begin" at the start
 * (ncclSystemError), "later" as what goes wrong once the fifth sum has been enqueued (ncclRemoteError).
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SUCCESS = 0, SYSTEM_ERROR = 2, INVALID_ARGUMENT = 4, REMOTE_ERROR = 6, FLOAT32 = 7, SUM = 0, VERSION = 29901 };
enum { MOST_RANKS = 16, CHUNK = 1 << 18 /* floats */ };

typedef struct { char path[128]; } ncclUniqueId;

/* What the processes share: a barrier, and a part of each one's values. */
struct shared {
    atomic_int arrived, round;
    float values[MOST_RANKS][CHUNK];
};

struct comm { int rank, size, sums; struct shared *shared; char path[128]; };

static int begun, ended, reduced;

/* Communicators that were begun and that are gone, and reductions. */
int fakenccl_begun(void) { return begun; }
int fakenccl_ended(void) { return ended; }
int fakenccl_reduced(void) { return reduced; }

static int is_fault(const char *name)
{
    const char *fault = getenv("FAKENCCL_FAULT");
    return fault && !strcmp(fault, name);
}

static void barrier(struct comm *comm)
{
    struct shared *shared = comm->shared;
    int round = atomic_load(&shared->round);
    if (atomic_fetch_add(&shared->arrived, 1) == comm->size - 1) {
        atomic_store(&shared->arrived, 0);
        atomic_fetch_add(&shared->round, 1);
        return;
    }
    while (atomic_load(&shared->round) == round)
        usleep(20);
}

const char *ncclGetErrorString(int result)
{
    return result == SUCCESS ? "no error" : result == SYSTEM_ERROR ? "unhandled system error"
        : result == INVALID_ARGUMENT ? "invalid argument" : result == REMOTE_ERROR ? "remote process exited or there was a network error"
        : "unknown result code";
}

int ncclGetVersion(int *version) { *version = VERSION; return SUCCESS; }

int ncclGetUniqueId(ncclUniqueId *id)
{
    memset(id, 0, sizeof *id);
    strcpy(id->path, "/dev/shm/fakenccl-XXXXXX");
    int file = mkstemp(id->path);
    if (file < 0 || ftruncate(file, sizeof(struct shared)))
        return SYSTEM_ERROR;
    close(file);
    return SUCCESS;
}

int ncclCommInitRank(struct comm **comm, int size, ncclUniqueId id, int rank)
{
    if (is_fault("begin")) {
        unlink(id.path);
        return SYSTEM_ERROR;
    }
    if (size > MOST_RANKS || rank < 0 || rank >= size || strncmp(id.path, "/dev/shm/fakenccl-", 18))
        return INVALID_ARGUMENT;
    int file = open(id.path, O_RDWR);
    if (file < 0)
        return SYSTEM_ERROR;
    struct comm *made = calloc(1, sizeof *made);
    made->rank = rank;
    made->size = size;
    strcpy(made->path, id.path);
    made->shared = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (made->shared == MAP_FAILED)
        return SYSTEM_ERROR;
    barrier(made);
    *comm = made;
    begun++;
    return SUCCESS;
}

static int are_taken(struct comm *comm, int type, int root, void *stream)
{
    return comm && type == FLOAT32 && root >= 0 && root < comm->size && !stream;
}

int ncclReduce(const float *send, float *receive, size_t count, int type, int operation, int root, struct comm *comm, void *stream)
{
    if (!are_taken(comm, type, root, stream) || operation != SUM)
        return INVALID_ARGUMENT;
    reduced++;
    comm->sums++;
    for (size_t at = 0; at < count; at += CHUNK) {
        size_t part = count - at < CHUNK ? count - at : CHUNK;
        memcpy(comm->shared->values[comm->rank], send + at, part * sizeof *send);
        barrier(comm);
        if (comm->rank == root)
            for (size_t i = 0; i < part; i++) {
                float sum = comm->shared->values[0][i];
                for (int rank = 1; rank < comm->size; rank++)
                    sum += comm->shared->values[rank][i];
                receive[at + i] = sum;
            }
        barrier(comm);
    }
    return SUCCESS;
}

int ncclBroadcast(const float *send, float *receive, size_t count, int type, int root, struct comm *comm, void *stream)
{
    if (!are_taken(comm, type, root, stream))
        return INVALID_ARGUMENT;
    for (size_t at = 0; at < count; at += CHUNK) {
        size_t part = count - at < CHUNK ? count - at : CHUNK;
        if (comm->rank == root)
            memcpy(comm->shared->values[root], send + at, part * sizeof *send);
        barrier(comm);
        if (comm->rank != root)
            memcpy(receive + at, comm->shared->values[root], part * sizeof *send);
        barrier(comm);
    }
    return SUCCESS;
}

int ncclCommGetAsyncError(struct comm *comm, int *error)
{
    *error = is_fault("later") && comm->sums >= 5 ? REMOTE_ERROR : SUCCESS;
    return SUCCESS;
}

static int leave(struct comm *comm)
{
    ended++;
    unlink(comm->path);
    munmap(comm->shared, sizeof(struct shared));
    free(comm);
    return SUCCESS;
}

int ncclCommDestroy(struct comm *comm) { return leave(comm); }
int ncclCommAbort(struct comm *comm) { return leave(comm); }
