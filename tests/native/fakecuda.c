/*
 * A stand-in for the NVIDIA driver: it has no device, it records what it is asked. Tests build it with the system's C compiler, load it
 * through SSLP_CUDA_DRIVER and read the record back. Memory is the host's and copies are made at once, so that data can be followed; order,
 * streams, events, contexts and the bytes of every kernel parameter can be checked; what a kernel computes cannot.
 *
 * Like the driver it answers CUDA_ERROR_INVALID_CONTEXT (201) to a thread with no current context, CUDA_ERROR_NOT_FOUND (500) for an entry
 * that the PTX does not have, and CUDA_ERROR_INVALID_VALUE (1) for more than 48 KB of shared memory that was not asked for, or for the
 * attributes of memory that it did not allocate. Stream 0xF0E is of another context and 0xBAD is none; all others are of this one.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int CUresult;

enum { OK = 0, INVALID_VALUE = 1, NOT_INITIALIZED = 3, INVALID_CONTEXT = 201, INVALID_PTX = 218, INVALID_HANDLE = 400, NOT_FOUND = 500 };
enum { LOG_BYTES = 1 << 20, CONTEXT = 0xC0 };

static char record[LOG_BYTES];
static size_t recorded;
static int initialised, retained;
static uintptr_t next_stream = 0x51, next_event = 0xE1;
static __thread uintptr_t current[8];
static __thread int depth;

static void note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (recorded < LOG_BYTES - 4096)
        recorded += (size_t)vsnprintf(record + recorded, 4096, format, arguments);
    va_end(arguments);
}

/* The record so far, one call a line. */
const char *fakecuda_record(void) { return record; }

void fakecuda_forget(void)
{
    recorded = 0;
    record[0] = 0;
}

/* How many times the primary context is held. */
int fakecuda_retained(void) { return retained; }

#define NEED_CONTEXT(name) \
    if (current[depth] != CONTEXT) { note(name " without a context\n"); return INVALID_CONTEXT; }

CUresult cuGetErrorName(int error, const char **name)
{
    *name = error == INVALID_CONTEXT ? "CUDA_ERROR_INVALID_CONTEXT" : error == NOT_FOUND ? "CUDA_ERROR_NOT_FOUND"
        : error == INVALID_HANDLE ? "CUDA_ERROR_INVALID_HANDLE"
        : error == INVALID_PTX ? "CUDA_ERROR_INVALID_PTX" : error == INVALID_VALUE ? "CUDA_ERROR_INVALID_VALUE" : NULL;
    return *name ? OK : INVALID_VALUE;
}

CUresult cuGetErrorString(int error, const char **text)
{
    *text = error == NOT_FOUND ? "named symbol not found" : "an error of the stand-in";
    return OK;
}

CUresult cuInit(unsigned flags) { initialised = 1; return flags ? INVALID_VALUE : OK; }
CUresult cuDriverGetVersion(int *version) { *version = 12040; return OK; }
CUresult cuDeviceGetCount(int *count) { *count = 2; return initialised ? OK : NOT_INITIALIZED; }
CUresult cuDeviceGet(int *device, int ordinal) { *device = 70 + ordinal; return OK; }
CUresult cuDeviceGetName(char *name, int length, int device) { snprintf(name, (size_t)length, "Stand-in %d", device); return OK; }
CUresult cuDeviceTotalMem_v2(size_t *bytes, int device) { (void)device; *bytes = (size_t)5 << 30; return OK; }

/* The PCI bus that its card sits at: other ones are other cards. */
int fakecuda_bus = 0;

CUresult cuDeviceGetAttribute(int *value, int attribute, int device)
{
    (void)device;
    *value = attribute == 16 ? 132 : attribute == 75 ? 9 : attribute == 76 ? 0 : attribute == 97 ? 232448
        : attribute == 33 ? fakecuda_bus : attribute == 34 || attribute == 50 ? 0 : -1;
    return *value < 0 ? INVALID_VALUE : OK;
}

CUresult cuDevicePrimaryCtxRetain(uintptr_t *context, int device)
{
    note("retain device=%d\n", device);
    retained++;
    *context = CONTEXT;
    return OK;
}

CUresult cuDevicePrimaryCtxRelease_v2(int device)
{
    note("release device=%d\n", device);
    retained--;
    return OK;
}

CUresult cuCtxSetCurrent(uintptr_t context) { current[depth] = context; return OK; }
CUresult cuCtxGetCurrent(uintptr_t *context) { *context = current[depth]; return OK; }
CUresult cuCtxPushCurrent_v2(uintptr_t context) { current[++depth] = context; return OK; }
CUresult cuCtxPopCurrent_v2(uintptr_t *context) { *context = current[depth--]; return OK; }
CUresult cuCtxSynchronize(void) { NEED_CONTEXT("synchronize") note("synchronize\n"); return OK; }

CUresult cuMemGetInfo_v2(size_t *available, size_t *total)
{
    NEED_CONTEXT("memory info")
    *available = (size_t)4 << 30;
    *total = (size_t)5 << 30;
    return OK;
}

/* A module is a copy of its text; a function is a place in it. */
CUresult cuModuleLoadDataEx(char **module, const char *image, unsigned count, const int *options, void **values)
{
    NEED_CONTEXT("load")
    if (!strstr(image, ".version") || !strstr(image, ".target")) {
        for (unsigned i = 0; i < count; i++)
            if (options[i] == 5)
                strcpy(values[i], "ptxas fatal: missing .version directive");
        return INVALID_PTX;
    }
    *module = strdup(image);
    note("load\n");
    return OK;
}

CUresult cuModuleUnload(char *module)
{
    NEED_CONTEXT("unload")
    note("unload\n");
    free(module);
    return OK;
}

struct function { char name[160]; const char *parameters; int shared_granted; };

CUresult cuModuleGetFunction(struct function **function, const char *module, const char *name)
{
    char entry[200];
    snprintf(entry, sizeof entry, ".entry %s(", name);
    const char *place = strstr(module, entry);
    if (!place)
        return NOT_FOUND;
    *function = calloc(1, sizeof **function);
    snprintf((*function)->name, sizeof (*function)->name, "%s", name);
    (*function)->parameters = place + strlen(entry);
    (*function)->shared_granted = 48 * 1024;
    return OK;
}

CUresult cuFuncSetAttribute(struct function *function, int attribute, int value)
{
    if (attribute != 8)
        return INVALID_VALUE;
    note("grant shared=%d\n", value);
    function->shared_granted = value;
    return OK;
}

/* Size of the next ".param" of an entry, and past it; 0 at the closing bracket. ".param .b32 x" or ".param .align 8 .b8 x[16]". */
static int parameter_bytes(const char **text)
{
    const char *end = strchr(*text, ')'), *param = strstr(*text, ".param");
    if (!param || param > end)
        return 0;
    const char *stop = param;
    while (*stop != ',' && *stop != ')')
        stop++;
    const char *array = memchr(param, '[', (size_t)(stop - param));
    const char *type = strstr(param, ".align");
    type = type && type < stop ? strchr(type + 1, '.') : strchr(param + 1, '.');
    int bytes = atoi(type + 2) / 8;  /* .b32, .u64, .f32, .s32 */
    *text = stop + 1;
    if (*stop == ')')
        *text = stop;
    return array ? bytes * atoi(array + 1) : bytes;
}

CUresult cuLaunchKernel(const struct function *function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
    unsigned blockZ, unsigned shared, uintptr_t stream, void **parameters, void **extra)
{
    NEED_CONTEXT("launch")
    if (extra || (int)shared > function->shared_granted)
        return INVALID_VALUE;
    note("launch %s grid=%u,%u,%u block=%u,%u,%u shared=%u stream=%zx", function->name, gridX, gridY, gridZ, blockX, blockY, blockZ, shared,
        (size_t)stream);
    const char *text = function->parameters;
    for (int bytes, i = 0; (bytes = parameter_bytes(&text)) > 0; i++) {
        note(" ");
        for (int b = 0; b < bytes; b++)
            note("%02x", ((unsigned char *)parameters[i])[b]);
    }
    note("\n");
    return OK;
}

/* What is allocated: 1 page-locked memory of the host, 2 device memory, as CU_MEMORYTYPE_… have it; 0 free. */
enum { MOST_BLOCKS = 4096 };
static struct { uintptr_t start; size_t bytes; int type; } blocks[MOST_BLOCKS];

static void keep(void *start, size_t bytes, int type)
{
    for (int i = 0; i < MOST_BLOCKS; i++)
        if (!blocks[i].type) {
            blocks[i].start = (uintptr_t)start;
            blocks[i].bytes = bytes;
            blocks[i].type = type;
            return;
        }
}

static void forget(void *start)
{
    for (int i = 0; i < MOST_BLOCKS; i++)
        if (blocks[i].type && blocks[i].start == (uintptr_t)start)
            blocks[i].type = 0;
}

CUresult cuPointerGetAttribute(int *value, int attribute, uint64_t pointer)
{
    NEED_CONTEXT("pointer attribute")
    for (int i = 0; i < MOST_BLOCKS; i++)
        if (blocks[i].type && pointer - blocks[i].start < blocks[i].bytes) {
            *value = attribute == 2 ? blocks[i].type : attribute == 9 ? 0 : -1;
            return *value < 0 ? INVALID_VALUE : OK;
        }
    return INVALID_VALUE;
}

CUresult cuMemAlloc_v2(uint64_t *pointer, size_t bytes)
{
    NEED_CONTEXT("alloc")
    // No kernel writes here: what is read back is 0, not what the heap held.
    size_t padded = (bytes + 255) / 256 * 256;
    *pointer = (uint64_t)(uintptr_t)memset(aligned_alloc(256, padded), 0, padded);
    keep((void *)(uintptr_t)*pointer, bytes, 2);
    note("alloc %zu\n", bytes);
    return OK;
}

CUresult cuMemFree_v2(uint64_t pointer)
{
    NEED_CONTEXT("free")
    note("free\n");
    forget((void *)(uintptr_t)pointer);
    free((void *)(uintptr_t)pointer);
    return OK;
}

CUresult cuMemHostAlloc(void **pointer, size_t bytes, unsigned flags)
{
    NEED_CONTEXT("pin")
    *pointer = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    keep(*pointer, bytes, 1);
    note("pin %zu flags=%u\n", bytes, flags);
    return OK;
}

CUresult cuMemFreeHost(void *pointer)
{
    NEED_CONTEXT("unpin")
    note("unpin\n");
    forget(pointer);
    free(pointer);
    return OK;
}

CUresult cuMemcpyHtoDAsync_v2(uint64_t destination, const void *source, size_t bytes, uintptr_t stream)
{
    NEED_CONTEXT("upload")
    note("upload %zu stream=%zx\n", bytes, (size_t)stream);
    memcpy((void *)(uintptr_t)destination, source, bytes);
    return OK;
}

CUresult cuMemcpyDtoHAsync_v2(void *destination, uint64_t source, size_t bytes, uintptr_t stream)
{
    NEED_CONTEXT("read back")
    note("read back %zu stream=%zx\n", bytes, (size_t)stream);
    memcpy(destination, (const void *)(uintptr_t)source, bytes);
    return OK;
}

CUresult cuMemsetD8Async(uint64_t destination, unsigned char value, size_t count, uintptr_t stream)
{
    NEED_CONTEXT("fill")
    note("fill %zu stream=%zx\n", count, (size_t)stream);
    memset((void *)(uintptr_t)destination, value, count);
    return OK;
}

CUresult cuStreamCreate(uintptr_t *stream, unsigned flags)
{
    NEED_CONTEXT("stream")
    *stream = next_stream++;
    note("stream %zx flags=%u\n", (size_t)*stream, flags);
    return OK;
}

CUresult cuStreamGetCtx(uintptr_t stream, uintptr_t *context)
{
    NEED_CONTEXT("stream context")
    if (stream == 0xBAD)
        return INVALID_HANDLE;
    *context = stream == 0xF0E ? CONTEXT + 1 : CONTEXT;
    return OK;
}

CUresult cuStreamWaitEvent(uintptr_t stream, uintptr_t event, unsigned flags)
{
    NEED_CONTEXT("wait")
    note("wait event=%zx stream=%zx\n", (size_t)event, (size_t)stream);
    return flags ? INVALID_VALUE : OK;
}

CUresult cuStreamSynchronize(uintptr_t stream)
{
    NEED_CONTEXT("stream synchronize")
    note("synchronize stream=%zx\n", (size_t)stream);
    return OK;
}
CUresult cuStreamDestroy_v2(uintptr_t stream) { NEED_CONTEXT("stream destroy") note("destroy stream=%zx\n", (size_t)stream); return OK; }

CUresult cuEventCreate(uintptr_t *event, unsigned flags)
{
    NEED_CONTEXT("event")
    *event = next_event++;
    note("event %zx flags=%u\n", (size_t)*event, flags);
    return OK;
}

CUresult cuEventRecord(uintptr_t event, uintptr_t stream)
{
    NEED_CONTEXT("record")
    note("record event=%zx stream=%zx\n", (size_t)event, (size_t)stream);
    return OK;
}

CUresult cuEventQuery(uintptr_t event) { (void)event; return OK; }
CUresult cuEventSynchronize(uintptr_t event) { note("synchronize event=%zx\n", (size_t)event); return OK; }
CUresult cuEventDestroy_v2(uintptr_t event) { NEED_CONTEXT("event destroy") note("destroy event=%zx\n", (size_t)event); return OK; }

CUresult cuProfilerStart(void) { NEED_CONTEXT("profiler start") note("profiler start\n"); return OK; }
CUresult cuProfilerStop(void) { NEED_CONTEXT("profiler stop") note("profiler stop\n"); return OK; }
